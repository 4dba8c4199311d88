# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The options: what each does, and what is said of bad ones.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 1);
my $n = 0;
my $names = 0;

sub rspamd {
    my ($tlsrpt, %args) = @_;

    return TLSRPT::Rspamd->new(
        server  => $server,
        name    => 'rspamd' . ++$names,
        signers => ['sender.example'],
        tlsrpt  => $tlsrpt,
        %args,
    );
}

my $DOMAINS = 'domains = ["example.com"];';

sub fresh_mail {
    return signed(report_mail(report('report-id' => 'id-' . ++$n, @_)),
                  'sender.example');
}

sub symbol {
    my ($answer) = @_;

    return join ' ', map { s/^TLSRPT_//r }
        grep { /^TLSRPT_/ } sort keys %{ $answer->{symbols} };
}

sub done { is($_[0]->stop, '', 'nothing bad in the log') }

sub ttl { return $server->redis('TTL', $_[0]) / 86400 }

# configtest tells

for my $case (
    ['an unknown option', 'retenton = 10d;', 'unknown option "retenton"'],
    ['not a boolean', 'registry = 3;', 'option "registry"'],
    ['too often', 'check_dns = 5m;', 'option "check_dns": must be off, or'],
    ['checks of no time', 'check_dns = "often";', 'option "check_dns": '],
    ['probe_mx', 'probe_mx = "no way";', 'option "probe_mx": '],
    ['a prefix with a brace', 'prefix = "a{b";', 'option "prefix": '],
    ['an empty prefix', 'prefix = "";', 'option "prefix": '],
    ['require_dkim', 'require_dkim = "maybe";', 'option "require_dkim": '],
    ['retention in seconds', 'retention = 400;', 'option "retention": '],
    ['no retention', 'retention = 0;', 'option "retention": '],
    ['half a day', 'retention_reports = 12h;', 'option "retention_reports": '],
    ['a size', 'max_report_size = "big";', 'option "max_report_size": '],
    ['a size of nothing', 'max_report_size = 0;', 'option "max_report_size": '],
    ['an action', 'action = "reject";', 'option "action": '],
    ['no Redis', 'read_servers = "127.0.0.1:9";', 'no usable Redis'],
    ['two servers', 'servers = "127.0.0.1:9, 127.0.0.2:9";',
     'several Redis servers'],
    ['two servers, as a list', 'servers = ["127.0.0.1:9", "127.0.0.2:9"];',
     'several Redis servers'],
    ['two to write to', 'servers = "127.0.0.1:9"; write_servers ='
     . ' "127.0.0.1:9,127.0.0.1:10";', 'several Redis servers'],
) {
    my ($name, $options, $message) = @$case;

    my ($good, $said) = rspamd("$DOMAINS $options",
                               redis => $options !~ /servers/)->configtest;
    like($said, qr/tlsrpt: \Q$message\E/, "$name: $message");
}

my (undef, $said) = rspamd('domains = ["a b"];')->configtest;
like($said, qr/option "domains": bad domain name a b/, 'a bad domain');

(my $good, $said) = rspamd("$DOMAINS prefix = \"x\"; require_dkim = false;"
    . 'max_report_size = 1M; retention = 10d; retention_reports = 1d;'
    . 'action = "discard"; db = "1"; timeout = 2s;')->configtest;
ok($good, 'good options');
unlike($said, qr/tlsrpt:/, 'and nothing to say');

($good, $said) = rspamd("$DOMAINS write_servers = \"127.0.0.1:9\";"
    . 'read_servers = "127.0.0.1:9,127.0.0.2:9";', redis => 0)->configtest;
unlike($said, qr/tlsrpt:/, 'one server to write to, two to read from');
($good, $said) = rspamd("$DOMAINS servers = \"127.0.0.1:9,127.0.0.2:9\";"
    . 'sentinels = "127.0.0.1:9,127.0.0.2:9";', redis => 0)->configtest;
unlike($said, qr/tlsrpt:/, 'Sentinel says which one');
($good, $said) = rspamd($DOMAINS, redis => 0, config =>
    'redis { servers = "127.0.0.1:9,127.0.0.2:9"; }')->configtest;
like($said, qr/tlsrpt: several Redis servers/, 'two servers of redis.conf');
($good, $said) = rspamd('domain = ["example.com"];')->configtest;
like($said, qr/tlsrpt: unknown option "domain"/,
     'a mistyped "domains" is told, too');

# Off

my $rspamd = rspamd('')->start;
is(symbol($rspamd->scan(fresh_mail())), '', 'no domains: off');
is(symbol($rspamd->scan(report_mail('{'))), '', 'quite');
unlike($rspamd->log, qr/tlsrpt: (?!no domains are configured)/, 'and quiet');
done($rspamd);

$rspamd = rspamd("$DOMAINS enabled = false;")->start;
is(symbol($rspamd->scan(fresh_mail())), '', 'enabled = false: off');
done($rspamd);

# Defaults

$rspamd = rspamd($DOMAINS)->start;
my $answer = $rspamd->scan(my $mail = fresh_mail());
is(symbol($answer), 'REPORT', 'stored');
is($answer->{action}, 'no action', 'the mail is left alone');
is($answer->{score}, 0, 'the weight is 0');
ok((grep { /^tlsrpt:\{example\.com\}/ } @{ $server->redis('KEYS', '*') }),
   'prefix = tlsrpt');
cmp_ok(ttl('tlsrpt:{example.com}:' . day(-1)), '>', 398, 'retention = 400d');
cmp_ok(ttl('tlsrpt:{example.com}:' . day(-1)), '<', 402, 'no more');
my $original = 'tlsrpt:{example.com}:' . day(-1) . ':kept';
cmp_ok(ttl($original), '<', 32, 'retention_reports = 30d');
cmp_ok(ttl($original), '>', 28, 'no less');
like($server->redis('LINDEX', $original, 1), qr/\A\0\0.{3}\x01\x41/s,
     'the original is kept, as one that came by mail, signed');
is_deeply($server->redis('ZRANGE', 'tlsrpt:domains', '0', '-1'),
          ['example.com'], 'the index knows the domain');
is_deeply([sort grep { ttl($_) < 0 } @{ $server->redis('KEYS', '*') }],
          ['tlsrpt:due', 'tlsrpt:mail'], 'every key of a domain expires');

# Strings of senders are made safe

$answer = $rspamd->scan(fresh_mail('organization-name' =>
    "Evil\r\nX-Spam: no\t\x{7f}\x{85}\x{fc}" . 'x' x 300));
my ($header) = @{ $answer->{milter}{add_headers}{'X-TLS-Report'} };
unlike($header->{value}, qr/[^\x20-\x7e]/, 'no controls in the header');
cmp_ok(length $header->{value}, '<', 1000, 'and bounded');
unlike($answer->{symbols}{TLSRPT_REPORT}{options}[0], qr/[\x00-\x1f\x7f]/,
       'nor in an option');
unlike($rspamd->log, qr/^X-Spam/m, 'nor in the log');
done($rspamd);

# Others

$server->redis('FLUSHALL');
$rspamd = rspamd("$DOMAINS prefix = \"my.tls\"; retention = 10d; db = \"3\";"
                 . 'retention_reports = 0;')->start;
is(symbol($rspamd->scan($mail)), 'REPORT', 'prefix, db and retentions');
is_deeply($server->redis('KEYS', '*'), [], 'nothing in database 0');
$server->redis('SELECT', '3');
my @keys = @{ $server->redis('KEYS', '*') };
is_deeply([grep { !/^my\.tls:/ } @keys], [], 'the prefix of every key');
is_deeply([grep { /:kept$/ } @keys], [], 'no original');
cmp_ok(ttl('my.tls:{example.com}:' . day(-1)), '<', 12, 'retention = 10d');
like($rspamd->scan(fresh_mail(day => day(-20)))
         ->{symbols}{TLSRPT_INVALID}{options}[0], qr/date range/,
     'a report older than it');
$server->redis('SELECT', '0');
done($rspamd);

my $whole = report('report-id' => 'size');
$rspamd = rspamd("$DOMAINS max_report_size = 2000;")->start;
is(symbol($rspamd->scan(signed(report_mail($whole), 'sender.example'))),
   'REPORT', 'below max_report_size');
$whole->{'report-id'} = 'size-2';
$whole->{padding} = 'x' x 2000;
like($rspamd->scan(signed(report_mail($whole), 'sender.example'))
         ->{symbols}{TLSRPT_INVALID}{options}[0], qr/larger than the limit/,
     'above it, after decompression');
done($rspamd);

$rspamd = rspamd("$DOMAINS action = \"discard\";")->start;
is($rspamd->scan($mail = fresh_mail())->{action}, 'discard',
   'action = "discard"');
is($rspamd->scan($mail)->{action}, 'discard', 'and a duplicate');

my $report_part = report_part(report('report-id' => 'part'));
my $text = TLSRPT::Mail::part('text/plain', "A report.\r\n",
                              encoding => '8bit');
my $html = TLSRPT::Mail::part('text/html', "<p>A report.</p>\r\n",
                              encoding => '8bit');
my $both = mail([$text, $html], type => 'alternative')
    =~ s/\A.*?(?=Content-Type:)//sr;
my $pdf = TLSRPT::Mail::part('application/pdf', '%PDF-1.4',
    disposition => 'attachment; filename="offer.pdf"');

for my $case (
    ['a report, and no text', [$report_part]],
    ['text in HTML', [$html, $report_part]],
    ['text and HTML', [$both, $report_part]],
    ['an empty third part', [$text, $report_part, "\r\n"]],
    ['two reports', [$text, $report_part,
                     report_part(report('report-id' => 'part-2'))]],
) {
    my ($name, $parts) = @$case;
    is($rspamd->scan(signed(mail($parts), 'sender.example'))->{action},
       'discard', "$name: discarded");
}
is($rspamd->scan(signed(report_mail(report('report-id' => 'single'),
                                    single => 1), 'sender.example'))->{action},
   'discard', 'a report that is all of the mail');

for my $case (
    ['a PDF beside it', [$text, $report_part, $pdf]],
    ['a PDF beside it, in a mixed mail', [$text, $report_part, $pdf],
     type => 'mixed'],
    ['a mixed mail', [$text, $report_part], type => 'mixed'],
    ['a report of another type', [$text, $report_part],
     type => 'report; report-type=delivery-status'],
    ['two texts', [$text, $report_part, $html]],
    ['two alternatives', [$both, $report_part, $both]],
    ['a text file', [$report_part, TLSRPT::Mail::part('text/plain',
        "My notes.\r\n", encoding => '8bit',
        disposition => 'attachment; filename="a.txt"')]],
    ['a forwarded mail', [$text, $report_part, TLSRPT::Mail::part(
        'message/rfc822', "Subject: hi\r\n\r\nhi\r\n",
        encoding => '8bit')]],
    ['a bad report', [$text, $report_part, report_part('{')]],
    ['a report of another domain', [$text, $report_part, report_part(
        report(domain => 'other.example'))]],
    ['only bad ones', [$text, report_part('{')]],
) {
    my ($name, $parts, %options) = @$case;
    is($rspamd->scan(signed(mail($parts, %options), 'sender.example'))
           ->{action}, 'no action', "$name: delivered");
}
is($rspamd->scan(report_mail(report('report-id' => 'x')))->{action},
   'no action', 'not signed: delivered');
done($rspamd);

$rspamd = rspamd("$DOMAINS require_dkim = false;")->start;
is(symbol($rspamd->scan(report_mail(report('report-id' => 'loose')))),
   'REPORT', 'require_dkim = false');
done($rspamd);

$rspamd = rspamd("$DOMAINS require_dkim = false; action = \"discard\";")
    ->start;
$answer = $rspamd->scan(report_mail(report('report-id' => 'loose-2')));
is(symbol($answer), 'REPORT', 'require_dkim = false: counted');
is($answer->{action}, 'no action', 'but not discarded unless signed');
is($rspamd->scan(fresh_mail())->{action}, 'discard', 'as this one is');
done($rspamd);

# A mail that is put aside is counted

$rspamd = rspamd($DOMAINS, edit => sub { $_ .= <<'END' })->start;
rspamd_config:set_metric_action('quarantine', { flags = { 'no_threshold' } })
rspamd_config:register_symbol({
    name = 'QUARANTINE', type = 'prefilter', callback = function(task)
        task:set_pre_result('quarantine', 'odd')
    end })
END
$answer = $rspamd->scan(fresh_mail());
is($answer->{action}, 'quarantine', 'a mail in quarantine');
is(symbol($answer), 'REPORT', 'is counted');
done($rspamd);

# X-TLS-Report of those that are refused

$rspamd = rspamd($DOMAINS)->start;
for my $case (
    [report_mail(report()), qr/^unsigned not signed by sender\.example$/],
    [signed(report_mail('{'), 'sender.example'), qr/^invalid .*column/],
    [fresh_mail(domain => 'other.example'), qr/^unknown other\.example$/],
    [nested(fresh_mail()), qr/^nested within a forwarded or returned mail$/],
) {
    my ($mail, $wanted) = @$case;
    my $headers = $rspamd->scan($mail)->{milter}{add_headers}{'X-TLS-Report'};
    $headers = [$headers] if ref $headers ne 'ARRAY';
    is(scalar @$headers, 1, 'X-TLS-Report of a refused report');
    like($headers->[0]{value}, $wanted, 'says why');
}
done($rspamd);

# A mail that is refused anyway is not counted

for my $action ('reject', 'soft reject') {
    $rspamd = rspamd($DOMAINS, edit => sub { $_ .= <<"END" })->start;
rspamd_config:register_symbol({
    name = 'REFUSE', type = 'prefilter', callback = function(task)
        task:set_pre_result('$action', 'no')
    end })
END
    is(symbol($answer = $rspamd->scan(fresh_mail())), '',
       "$action: not counted");
    is($answer->{action}, $action, 'and left at that');
    done($rspamd);
}

$rspamd = rspamd($DOMAINS, edit => sub { $_ .= <<'END' })->start;
rspamd_config:register_symbol({
    name = 'ACCEPT', type = 'prefilter', callback = function(task)
        task:set_pre_result('accept', 'local')
    end })
END
is(symbol($rspamd->scan($mail = fresh_mail())), 'REPORT',
   'a mail that another filter accepted unseen is counted');
$server->stop_redis;
$answer = $rspamd->scan(fresh_mail());
is($answer->{action}, 'soft reject', 'and sent back while Redis is away');
$server->start_redis;
done($rspamd);

# domains from a file, which changes

my $map = $server->write_file('domains', "# ours\nexample.net\n");
$rspamd = rspamd("domains = \"$map\";")->start;
is(symbol($rspamd->scan($mail = fresh_mail())), 'UNKNOWN_DOMAIN',
   'not in the file');
is(symbol($rspamd->scan(fresh_mail(domain => 'example.net'))), 'REPORT',
   'in the file');
sleep 1;
$server->write_file('domains', "Example.Com\n.example.org\n");
ok(TLSRPT::Server::wait_until(20, sub {
       symbol($rspamd->scan($mail)) eq 'REPORT' }), 'the file was changed');
is(symbol($rspamd->scan(fresh_mail(domain => 'a.example.org'))), 'REPORT',
   'a subdomain by the file');
done($rspamd);

# A reload

$rspamd = rspamd("domains = \"example.com, example.net\";")->start;
kill 'HUP', $rspamd->pid;
ok($rspamd->logged(qr/workers spawning has been finished/), 'SIGHUP');
ok(TLSRPT::Server::wait_until(20, sub {
       my $answer = eval { $rspamd->scan($mail = fresh_mail()) };
       $answer && symbol($answer) eq 'REPORT' }), 'it goes on');
done($rspamd);

done_testing;
