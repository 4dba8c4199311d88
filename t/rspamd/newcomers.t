# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Names that only a .NAME takes and that were never seen before come eight at a
# time by mail, too; a mail with more is sent back, and counts once in the end.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 1);
my $rspamd = TLSRPT::Rspamd->new(
    server  => $server,
    signers => ['sender.example'],
    tlsrpt  => 'domains = [".wide.example", "named.wide.example"];',
)->start;

sub on {
    my ($id, @domains) = @_;

    my $report = report('report-id' => $id);
    $report->{policies} = [map { @{ report(domain => $_)->{policies} } }
                           @domains];

    return $rspamd->scan(signed(report_mail($report), 'sender.example'));
}

my @many = map { "a$_.wide.example" } 1 .. 12;

my $answer = on('many', @many);
is $answer->{action}, 'soft reject', '12 new names: sent back';
like $answer->{symbols}{TLSRPT_FAIL}{options}[0],
    qr/too many new domains below wide\.example/, 'and why';
ok on('many', @many)->{symbols}{TLSRPT_REPORT}, 'again: stored';
ok on('many', @many)->{symbols}{TLSRPT_DUPLICATE}, 'once more: a duplicate';
is $server->counted($_), 1, "$_: once" for @many[0, 7, 8, 11];

$server->redis('HSET', 'tlsrpt:new:' . (int(time / 60) + $_), 'wide.example',
               60) for 0, 1;
is on('one', 'b.wide.example')->{action}, 'soft reject', 'sixty a minute';
ok on('named', 'named.wide.example')->{symbols}{TLSRPT_REPORT},
    'one that is named is taken';
ok on('known', $many[0])->{symbols}{TLSRPT_REPORT}, 'and one that was there';

is $rspamd->stop, '', 'nothing bad in the log';
done_testing;
