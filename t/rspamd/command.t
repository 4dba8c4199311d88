# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# rspamadm tlsrpt: check tells of a mail, import counts a mailbox.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

use IO::Socket::INET;
use IO::Socket::UNIX;

my $server = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
END
        location /tlsrpt/ { tlsrpt_stats; }
END
my $rspamd = TLSRPT::Rspamd->new(
    server     => $server,
    signers    => [qw(sender.example other.example)],
    dns        => sprintf('{ name = "%s"; type = "txt"; rcode = "nxdomain"; }',
                          dkim_name('gone.example')),
    tlsrpt     => 'domains = ["example.com"]; timeout = 0.5;',
    controller => '',
)->start;
my $n = 0;

sub fresh { return report('report-id' => 'id-' . ++$n, @_) }
sub fresh_mail { return signed(report_mail(fresh()), 'sender.example') }
sub unix { return $_[0] =~ s/\r//gr }

sub said {
    my ($want, $pattern, $name, @args) = @_;

    my ($status, $said) = $rspamd->rspamadm(@args);
    is($status, $want, "$name: exit status $want");

    return like($said, $pattern, "$name: what is said");
}

sub file { return $server->write_file(@_) }

sub counted { return $server->counted('example.com') }

# Before it runs, and with bad arguments

my $mail = file('mail.eml', fresh_mail());

said(1, qr/none: No such file/, 'a file that is not there', 'check',
     $server->dir . '/none');
said(1, qr/not an mbox/, 'a mail for a mailbox', 'import', $mail);
mkdir $server->dir . '/empty';
said(1, qr/neither a Maildir nor/, 'an empty folder', 'import',
     $server->dir . '/empty');
said(0, qr/--unsigned/, 'help', 'import', '--help');

# check: a dry run

said(0, qr/^would be counted.*: \S+ example\.com Example Sender d=sender\./m,
     'a signed report', 'check', $mail);
said(0, qr/^would be counted/m, 'with line ends of Unix', 'check',
     file('unix.eml', unix(fresh_mail())));

for my $case (
    ['not signed', report_mail(fresh()),
     qr/^would not be counted: unsigned: not signed by sender\.example$/m],
    ['signed by another', signed(report_mail(fresh()), 'other.example'),
     qr/unsigned: not signed by sender\.example: signed by other\.example/],
    ['its key is gone', signed(report_mail(fresh()), 'gone.example'),
     qr/unsigned: .*gone\.example: dns request to .* failed/],
    ['no JSON', signed(report_mail('{"report-id":'), 'sender.example'),
     qr/invalid: .*line 1/],
    ['of another domain', signed(report_mail(fresh(domain => 'b.example')),
                                 'sender.example'), qr/unknown: b\.example/],
    ['forwarded', nested(fresh_mail()), qr/nested: within a forwarded/],
    ['no report', "Subject: hi\r\n\r\nhello\r\n", qr/^no report in it$/m],
    ['nothing', '', qr/^no report in it$/m],
) {
    my ($name, $text, $pattern) = @$case;
    said(1, $pattern, $name, 'check', file('case.eml', $text));
}

# nginx keeps what it serves, and has work of its own
my $NGINX = qr{^tlsrpt:(?:due|lease:problems|\{checks\}:.*|\{.*\}:served)$};
is_deeply([grep { !/$NGINX/ }
           @{ $server->redis('KEYS', '*') }], [], 'and nothing was stored');
unlike($rspamd->log, qr/TLSRPT_(?:REPORT|INVALID|UNSIGNED)/,
       'nor logged as if it had been');

# import, from each kind of mailbox

sub maildir {
    my ($dir, %mails) = @_;

    mkdir $server->dir . "/$_" for $dir, map { "$dir/$_" } qw(cur new tmp);
    $server->write_file("$dir/$_", $mails{$_}) for keys %mails;

    return $server->dir . "/$dir";
}

my $maildir = maildir('Mail[dir] *',
    'cur/1.a.host:2,S' => unix(fresh_mail()),
    'cur/2.b.host:2,S' => unix(fresh_mail()),
    'new/3.c.host'     => fresh_mail(),
    'new/4.d.host'     => unix(report_mail(fresh())),
    'new/5.e.host'     => "Subject: hi\n\nhello\n",
    'new/6.f.host'     => signed(report_mail(fresh()), 'gone.example'),
    'tmp/7.g.host'     => fresh_mail());

said(0, qr/^6\ mails:\ 3\ reports\ counted,\ 0\ counted\ before,\ 2\ refused,
           \ 1\ mail\ without\ a\ report\n
           \s+1\ \ unsigned:\ .*\(new\/4\.d\.host\)\n
           \s+1\ \ unsigned:\ .*gone.*\(new\/6\.f\.host\)\n/mx,
     'a Maildir', 'import', "$maildir/");
is(counted(), 3, 'three were counted');
is($server->redis('HGET', 'tlsrpt:{example.com}', 'l'), 3,
   'and marked: what they show is no news');
said(0, qr/^6 mails: 0 reports counted, 3 counted before, 2 refused/m,
     'again', 'import', $maildir);
is(counted(), 3, 'no more');

mkdir $server->dir . '/eml';
file("eml/$_.eml", fresh_mail()) for 1 .. 3;
file('eml/other.txt', fresh_mail());
said(0, qr/^3 mails: 3 reports counted, 0 counted before, 0 refused/m,
     'a folder of .eml files', 'import', $server->dir . '/eml');
is(counted(), 6, 'they were counted');

my @mails = map { unix($_) } fresh_mail(),
    signed(report_mail(fresh()) =~ s/A TLS report\./From me\r\n>From you/r,
           'sender.example'),
    "Subject: hi\n\nhello\n\n\n", fresh_mail();
my $mbox = join "\n", map {
    "From a\@sender.example Thu Nov 19 03:10:06 2026\n"
        . s/^(>*From )/>$1/mgr } @mails;
said(0, qr/^4\ mails:\ 3\ reports\ counted,\ 0\ counted\ before,\ 0\ refused,
           \ 1\ mail\ without\ a\ report$/mx, 'an mbox', 'import',
     file('mbox', $mbox));
is(counted(), 9, 'they were counted');
said(0, qr/^1 mail: 1 report counted/m, 'an mbox with line ends of DOS',
     'import', file('dos', "From a\@b Thu\r\n" . fresh_mail()));

# import --unsigned: signed-by null

said(0, qr/^6 mails: 2 reports counted, 3 counted before, 0 refused/m,
     '--unsigned', 'import', $maildir, '--unsigned');
is(counted(), 12, 'they were counted');
my %signer = map { $_->{'report-id'} => $_->{'signed-by'} } @{
    $server->get('/tlsrpt/domains/example.com/reports')->{json}{reports} };
is(scalar(grep { !defined } values %signer), 2, 'with signed-by null');
is(scalar(grep { ($_ // '') eq 'sender.example' } values %signer), 10,
   'the others say who signed');

# On a terminal: how far it is

my $output = $server->dir . '/terminal';
my $command = join ' ', map { "'$_'" } 'rspamadm',
    '--var=LUALIBDIR=' . $rspamd->lualib, 'tlsrpt', '-c',
    $rspamd->config_path, 'import', $maildir;
system("script -qec \"$command\" /dev/null > $output 2>&1 < /dev/null");
like($server->read_file($output), qr/\r1 of 6: 1 mail, \d counted\e\[K/,
     'progress on a terminal');

# Redis away, and back

$server->stop_redis;
mkdir $server->dir . '/away';
file("away/$_.eml", fresh_mail()) for 1 .. 12;
said(1, qr/^10 mails: 0 reports counted.*\n10 mails could not be .* run it again/m,
     'Redis away: it gives up', 'import', $server->dir . '/away');
$server->start_redis;
said(0, qr/^12 mails: 12 reports counted, 0 counted before/m,
     'Redis back: it is counted', 'import', $server->dir . '/away');
is(counted(), 12, 'once');

# A stranger has no such way

sub post {
    my ($socket, $path, $body) = @_;

    print $socket "POST $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    $socket->flush;
    local $/;
    local $SIG{ALRM} = sub { die "no answer\n" };
    alarm 20;
    my $answer = <$socket>;
    alarm 0;

    return $answer;
}

my $before = counted();
for my $path ('/plugins/tlsrpt/import?unsigned=1', '/checkv2?unsigned=1') {
    post(IO::Socket::UNIX->new(Peer => $rspamd->socket_path), $path,
         report_mail(fresh()));
}
$rspamd->scan("unsigned: 1\r\nX-TLSRPT: import\r\n" . report_mail(fresh()));
is(counted(), $before, 'not by the scanner, whatever the path or the header');
is($rspamd->stop, '', 'nothing bad in the log');
said(1, qr/is rspamd running\?/, 'rspamd stopped', 'check', $mail);

my $port = TLSRPT::Server::free_port();
$rspamd = TLSRPT::Rspamd->new(
    server     => $server,
    name       => 'password',
    signers    => ['sender.example'],
    tlsrpt     => 'domains = ["example.com"];',
    controller => qq(bind_socket = "localhost:$port"; password = "read-only";)
                  . 'enable_password = "write-too";',
)->start;
ok(TLSRPT::Server::wait_until(20, sub {
    IO::Socket::INET->new("127.0.0.1:$port") }), 'a controller on TCP');
said(1, qr/asks for its enable_password/, 'no password', 'check', $mail);
for my $case (['read-only', 1, qr/asks for its enable_password/],
              ['write-too', 0, qr/^would be counted/m])
{
    my ($password, $status, $pattern) = @$case;
    said($status, $pattern, "the password $password", '--password-file',
         file('secret', "$password\n"), 'check', $mail);
}
is($rspamd->stop, '', 'nothing bad in the log');

# Without a controller, or without the plugin

$rspamd = TLSRPT::Rspamd->new(server => $server, name => 'none',
    tlsrpt => 'domains = ["example.com"];')->start;
said(1, qr/no worker "controller"/, 'no controller', 'check', $mail);
$rspamd->stop;
$rspamd = TLSRPT::Rspamd->new(server => $server, name => 'off',
    controller => '')->start;
said(1, qr/does not know of TLS reports/, 'not configured', 'check', $mail);
$rspamd->stop;

done_testing;
