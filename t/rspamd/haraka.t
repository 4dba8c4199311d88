# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What an SMTP client sees through a real Haraka that is set up as README.md says.

use TLSRPT::Test;
use TLSRPT::Haraka;
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
my $haraka = TLSRPT::Haraka->new(server => $server, rspamd => $rspamd)->start;

sub counted { return $server->counted('example.com') }

my $mail = signed(report_mail(report()), 'sender.example');
my $other = "From: x\@sender.example\r\nSubject: hi\r\n\r\nhello\r\n";

$server->stop_redis;
like $haraka->send($mail), qr/^451 /, 'Redis stopped: sent back';
like $haraka->send($other), qr/^250 /, 'other mail passes';
$server->start_redis;

like $haraka->send($mail), qr/^250 /, 'Redis started: the retry is accepted';
is counted(), 1, 'counted once';
like $haraka->send($mail), qr/^250 /, 'the same again';
is counted(), 1, 'still once';
ok $haraka->wait_delivered(3), 'all that was accepted is delivered';

is $rspamd->stop, '', 'nothing bad in the log of rspamd';
my $fresh = signed(report_mail(report('report-id' => 'fresh')),
                   'sender.example');
like $haraka->send($fresh), qr/^450 /, 'rspamd stopped: sent back';

ok((grep { /^X-TLS-Report: stored /m } $haraka->delivered),
   'X-TLS-Report tells');

$haraka->stop;
unlike $haraka->log, qr/\[(?:CRIT|ALERT|EMERG)\]/,
    'nothing bad in the log of Haraka';

done_testing;
