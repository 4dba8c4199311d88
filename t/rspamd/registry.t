# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# registry = true: reports by mail of domains enrolled at run time, at their
# addresses and at others.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Registry qw(put_record token);
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 1);
my %options = (server => $server, signers => ['sender.example'], milter => 0);
my $rspamd = TLSRPT::Rspamd->new(%options,
    tlsrpt => 'registry = true; domains = ["conf.example", ".wide.example"];')
    ->start;
my $n = 0;

sub report_on {
    my (@domains) = @_;

    my $report = report('report-id' => 'r' . ++$n);
    $report->{policies} = [map { @{ report(domain => $_)->{policies} } }
                           @domains];

    return $report;
}

sub mail_on {
    my ($domains, %options) = @_;

    return report_mail(report_on(@$domains), subject => 'Report', headers => [
        'TLS-Report-Submitter: sender.example'], %options);
}

# The symbol of a mail, and its text.
sub scan {
    my ($mail, @more) = @_;

    my $symbols = $rspamd->scan($mail, @more)->{symbols};
    my ($found) = grep { /^TLSRPT_(?!CHECK|GUARD)/ } sort keys %$symbols;

    return ($found // 'none', $symbols->{ $found // '' }{options}[0] // '');
}

sub by_mail {
    my ($domains, @rcpt) = @_;

    return scan(signed(mail_on($domains), 'sender.example'), rcpt => \@rcpt);
}

my ($held, $left, $own, $other) = map { token() } 1 .. 4;

put_record($server, 'held.example', holder => { owner => 'a', token => $held });
put_record($server, 'left.example', holder => { owner => 'a', token => $left,
    state => 'leaving', ends => time + 86400 });
put_record($server, 'waits.example', pending => [
    { owner => 'a', token => $own }, { owner => 'b', token => $other }]);
put_record($server, 'x.wide.example', holder => { owner => 'a' });

# At any address, if signed

my $plain = 'reports@example.org';

is +(by_mail(['held.example'], $plain))[0], 'TLSRPT_REPORT',
    'one that is held: stored, at whatever address';
is $server->counted('held.example'), 1, 'and counted';
is +(by_mail(['left.example'], $plain))[0], 'TLSRPT_REPORT', 'one that leaves';
is +(by_mail(['held.example'], "reports+$left\@example.org"))[0],
    'TLSRPT_REPORT', "at another's address";
is +(by_mail(['other.example'], "reports+$held\@example.org"))[0],
    'TLSRPT_UNKNOWN_DOMAIN', 'one that is not enrolled is not taken there';
is +(by_mail(['conf.example'], $plain))[0], 'TLSRPT_REPORT',
    'a configured one, as ever';
is +(by_mail(['x.wide.example'], $plain))[0], 'TLSRPT_REPORT',
    'below a .NAME, enrolled by itself';
is $server->redis('HGET', 'tlsrpt:new:' . int(time / 60), 'wide.example'),
    undef, 'it is no newcomer of the .NAME';

my ($symbol, $text) = by_mail(['held.example', 'no.example'], $plain);
is $symbol, 'TLSRPT_REPORT', 'two, one of them accepted';
unlike $text, qr/no\.example/, 'the other is left out';
is $server->counted('no.example'), 0, 'and not counted';

# The domain of the token, where a policy names none

sub nameless {
    my (@rcpt) = @_;

    my $report = report_on('x.example');
    delete $report->{policies}[0]{policy}{'policy-domain'};

    return scan(signed(report_mail($report, subject => 'Report', name => undef,
        headers => ['TLS-Report-Submitter: sender.example']),
        'sender.example'), rcpt => \@rcpt);
}

for my $local ("reports+$held", "reports-$held", "re-ports+x-$held",
               'Reports+' . uc $held)
{
    my $before = $server->counted('held.example');
    is +(nameless("$local\@example.org"))[0], 'TLSRPT_REPORT', $local;
    is $server->counted('held.example'), $before + 1, 'counted there';
}

my $before = $server->counted('held.example');
nameless("reports+$held\@example.org", "reports+$left\@example.org");
is $server->counted('held.example'), $before, 'two tokens say nothing';

# One that waits

($symbol, $text) = by_mail(['waits.example'], $plain);
is $symbol, 'TLSRPT_UNKNOWN_DOMAIN', 'pending: refused';
is +(by_mail(['waits.example'], "reports+$held\@example.org"))[0],
    'TLSRPT_UNKNOWN_DOMAIN', "at another's address, too";

for my $token ($own, $other) {
    $server->redis('ZADD', 'tlsrpt:{registry}:looks', time + 5000,
                   'waits.example');
    my $answer = $rspamd->scan(signed(mail_on(['waits.example']),
        'sender.example'), rcpt => "reports+$token\@example.org");
    is $answer->{action}, 'soft reject', 'at an address of its own: later';
    like $answer->{symbols}{TLSRPT_FAIL}{options}[0],
        qr/waits\.example is enrolled, and waits for its proof in DNS/, 'why';
    cmp_ok $server->redis('ZSCORE', 'tlsrpt:{registry}:looks',
                          'waits.example'), '<', time + 4000,
        'and DNS is looked at before that';
}

is +(scan(mail_on(['waits.example']), rcpt => "reports+$own\@example.org"))[0],
    'TLSRPT_UNSIGNED', 'not for what would not count';
unlike join("\n", grep { /tlsrpt/ && !/rcpts: / } split /\n/, $rspamd->log),
    qr/$own|$held/, 'no token is logged by us';

# What cannot be read

$server->redis('HSET', 'tlsrpt:{registry}', 'new.example', '7 {"v":99}');
is +(by_mail(['new.example'], $plain))[0], 'TLSRPT_UNKNOWN_DOMAIN',
    'by a newer version: refused elsewhere,';
is +(by_mail(['new.example'], "reports+$held\@example.org"))[0], 'TLSRPT_FAIL',
    'sent back at the address of a token';

# Imported: what a mailbox keeps of the envelope

my $importer = TLSRPT::Rspamd->new(%options, name => 'importer',
    tlsrpt => 'registry = true;', controller => '')->start;
my $nameless = report_on('x.example');
delete $nameless->{policies}[0]{policy}{'policy-domain'};
my %headers = (
    'Delivered-To' => "reports+$held\@example.org",
    'X-Original-To' => "reports-$held\@example.org",
);

for my $header (sort keys %headers) {
    $nameless->{'report-id'} = 'r' . ++$n;
    my $mail = "$header: $headers{$header}\r\n" . signed(report_mail($nameless,
        subject => 'Report', name => undef,
        headers => ['TLS-Report-Submitter: sender.example']),
        'sender.example');
    mkdir $server->dir . "/$header";
    $server->write_file("$header/mail.eml", $mail);
    my ($status, $said) = $importer->rspamadm('import',
        $server->dir . "/$header");
    is $status, 0, "import: $header" or diag $said;
    like $said, qr/^1 mail: 1 report counted/m, 'counted there';
}

is $importer->stop, '', 'nothing bad in the log of the importer';

# Not without DKIM: as by HTTPS

is $rspamd->stop, '', 'nothing bad in the log';
$rspamd = TLSRPT::Rspamd->new(%options, name => 'lenient',
    tlsrpt => 'registry = true; require_dkim = false;')->start;

is +(scan(mail_on(['held.example']), rcpt => $plain))[0],
    'TLSRPT_UNKNOWN_DOMAIN', 'unsigned: not at any address';
is +(scan(mail_on(['held.example']), rcpt => "reports+$held\@example.org"))[0],
    'TLSRPT_REPORT', 'but at its own';
is +(by_mail(['held.example'], $plain))[0], 'TLSRPT_REPORT',
    'signed: at any, all the same';

# Redis away

$server->stop_redis;
is +(by_mail(['held.example'], "reports+$held\@example.org"))[0], 'TLSRPT_FAIL',
    'no Redis: sent back at the address of a token';
is +(by_mail(['held.example'], $plain))[0], 'TLSRPT_UNKNOWN_DOMAIN',
    'and refused elsewhere';

is $rspamd->stop, '', 'nothing bad in the log';
done_testing;
