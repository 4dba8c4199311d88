# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What an SMTP client sees, through a real Postfix and its milter.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Postfix;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 1);
my $rspamd = TLSRPT::Rspamd->new(
    server  => $server,
    signers => ['sender.example'],
    tlsrpt  => 'domains = ["example.com"]; timeout = 0.3;',
    task_timeout => 5,
)->start;
my $postfix = TLSRPT::Postfix->new(server => $server, rspamd => $rspamd)->start;

my $n = 0;
my $delivered = 0;

sub fresh_mail {
    return signed(report_mail(report('report-id' => 'id-' . ++$n)),
                  'sender.example');
}

sub counted { return $server->counted('example.com') }

sub accepted {
    my ($mail, $name) = @_;

    my $reply = $postfix->send($mail);
    like($reply, qr/^250 2\.0\.0 Ok/, "$name: $reply");
    ++$delivered;

    return ok($postfix->wait_delivered($delivered), "$name: delivered");
}

sub sent_back {
    my ($mail, $name) = @_;

    my $reply = $postfix->send($mail);

    return like($reply, qr/^451 4\.7\.1 TLS report cannot be stored now/,
                "$name: $reply");
}

# Redis stopped and started

my $mail = fresh_mail();
$server->stop_redis;
sent_back($mail, 'Redis stopped');
accepted("From: x\@sender.example\r\nSubject: hi\r\n\r\nhello\r\n",
         'other mail, Redis stopped');
$server->start_redis;
accepted($mail, 'Redis started, the retry');
is(counted(), 1, 'counted once');
accepted($mail, 'the same again');
is(counted(), 1, 'still once');

my @headers = map { /^(X-TLS-Report: .*?)\r?$/mg } $postfix->delivered;
is_deeply([sort @headers],
    [map { "X-TLS-Report: $_ " . day(-1) . ' example.com Example Sender' }
         qw(duplicate stored)], 'X-TLS-Report tells');

# Redis that cannot, and what comes of it

my %trouble = (
    'killed' => [sub { kill 'KILL', $server->{redis_pid};
                       $server->stop_redis },
                 sub { $server->start_redis }],
    'frozen' => [sub { kill 'STOP', $server->{redis_pid} },
                 sub { kill 'CONT', $server->{redis_pid} }],
    'with another password' =>
        [sub { $server->redis('CONFIG', 'SET', 'requirepass', 'x');
               $server->redis('CLIENT', 'KILL', 'TYPE', 'normal',
                              'SKIPME', 'yes') },
         sub { $server->redis('CONFIG', 'SET', 'requirepass', '') }],
    'read-only' => [sub { $server->redis('REPLICAOF', '127.0.0.1', '9') },
                    sub { $server->redis('REPLICAOF', 'NO', 'ONE') }],
    # the task's time-out is 5 s: what was sent may be executed after it
    'slower than the task' =>
        [sub { $server->redis('CLIENT', 'PAUSE', '6000') },
         sub { $server->redis('PING') }],
    'out of memory' =>
        [sub { $server->redis('CONFIG', 'SET', 'maxmemory', '1') },
         sub { $server->redis('CONFIG', 'SET', 'maxmemory', '0') }],
);

for my $name (sort keys %trouble) {
    my ($begin, $end) = @{ $trouble{$name} };

    my $mail = fresh_mail();
    $begin->();
    sent_back($mail, "Redis $name");
    $end->();
    my $before = $name eq 'killed' ? 0 : counted();
    accepted($mail, "Redis $name no more");
    cmp_ok(counted(), '<=', $before + 1, 'counted once');
    cmp_ok(counted(), '>=', 1, 'and not lost');
}

# Mails that are not counted are delivered all the same

my $before = counted();
accepted(report_mail(report('report-id' => 'unsigned')), 'unsigned');
accepted(signed(report_mail('{'), 'sender.example'), 'no JSON');
is(counted(), $before, 'and not counted');
is(scalar(grep { /^X-TLS-Report: (?:unsigned|invalid) /m }
              $postfix->delivered), 2, 'X-TLS-Report says why');

# A header of ours that the sender wrote goes

accepted("X-TLS-Report: stored 2026-01-01 example.com Forged\r\n"
         . "From: x\@sender.example\r\n\r\nhello\r\n", 'a forged header');
is(scalar(grep { /Forged/ } $postfix->delivered), 0, 'is taken away');
accepted("X-TLS-Report: stored 2026-01-01 example.com Forged\r\n"
         . fresh_mail(), 'a forged header of a report');
is(scalar(grep { /Forged/ } $postfix->delivered), 0, 'is replaced');

# No rspamd: Postfix was told to send back

$postfix->stop;
is($rspamd->stop, '', 'nothing bad in the log of rspamd');
$postfix->start;
like($postfix->send(fresh_mail()), qr/^4\d\d /, 'rspamd stopped: sent back');

# action = "discard"

my $discarding = TLSRPT::Rspamd->new(
    server  => $server,
    signers => ['sender.example'],
    tlsrpt  => 'domains = ["example.com"]; action = "discard";',
    task_timeout => 5,
)->start;

$before = counted();
like($postfix->send($mail = fresh_mail()), qr/^250 /,
     'action = "discard": accepted');
is(counted(), $before + 1, 'counted');
accepted(signed(report_mail('{'), 'sender.example'),
         'a report that cannot be read stays in the flow');
accepted(report_mail(report('report-id' => 'unsigned-2')),
         'and one that is not signed');
accepted(signed(mail([
        TLSRPT::Mail::part('text/plain', 'Our offer, and your report.',
                           encoding => '8bit'),
        report_part(report('report-id' => 'with-offer')),
        TLSRPT::Mail::part('application/pdf', '%PDF-1.4 offer',
            disposition => 'attachment; filename="offer.pdf"')],
        type => 'mixed'), 'sender.example'),
    "a person's mail with a report and a PDF");
is(counted(), $before + 2, 'whose report is counted');
is(scalar(grep { /offer\.pdf/ } $postfix->delivered), 1, 'with the PDF');
like($postfix->send($mail), qr/^250 /, 'a duplicate: accepted');
is(scalar(grep { /id-$n\b/ } $postfix->delivered), 0, 'neither is delivered');
is(scalar(my @all = $postfix->delivered), $delivered, 'nor anything else');

$postfix->stop;
is($discarding->stop, '', 'nothing bad in the log of rspamd');
unlike($postfix->log, qr/ (?:fatal|panic): /, 'nor in that of Postfix');
done_testing;
