# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What an SMTP client sees through a real Exim that is set up as README.md says.

use TLSRPT::Test;
use TLSRPT::Exim;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 1);
my $rspamd = TLSRPT::Rspamd->new(
    server  => $server,
    port    => TLSRPT::Server->free_port,
    milter  => 0,
    signers => ['sender.example'],
    tlsrpt  => 'domains = ["example.com"]; timeout = 0.3;',
)->start;
my $exim = TLSRPT::Exim->new(server => $server, rspamd => $rspamd)->start;

sub counted { return $server->counted('example.com') }

my $mail = signed(report_mail(report()), 'sender.example');
my $other = "From: x\@sender.example\r\nSubject: hi\r\n\r\nhello\r\n";

$server->stop_redis;
like $exim->send($mail), qr/^451 /, 'Redis stopped: sent back';
like $exim->send($other), qr/^250 /, 'other mail passes';
$server->start_redis;

like $exim->send($mail), qr/^250 /, 'Redis started: the retry is accepted';
is counted(), 1, 'counted once';
like $exim->send($mail), qr/^250 /, 'the same again';
is counted(), 1, 'still once';
ok $exim->wait_delivered(3), 'all that was accepted is delivered';

is $rspamd->stop, '', 'nothing bad in the log of rspamd';
my $fresh = signed(report_mail(report('report-id' => 'fresh')),
                   'sender.example');
like $exim->send($fresh), qr/^451 /, 'rspamd stopped: sent back';


# action = "discard"

$rspamd = TLSRPT::Rspamd->new(%$rspamd, tlsrpt =>
    'domains = ["example.com"]; action = "discard";')->start;
like $exim->send($fresh), qr/^250 /, 'action = "discard": accepted';
is counted(), 2, 'counted';
like $exim->send($other), qr/^250 /, 'other mail';
ok $exim->wait_delivered(4), 'is delivered';
is scalar(grep { /fresh/ } $exim->delivered), 0, 'the report is not';
is scalar(my @all = $exim->delivered), 4, 'nor anything else';

$exim->stop;
is $rspamd->stop, '', 'nothing bad in the log of rspamd';
unlike $exim->log, qr/panic/i, 'nor in that of Exim';

done_testing;
