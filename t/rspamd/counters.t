# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# How many reports came by mail, and what became of them: a hash in Redis.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 1);
my $rspamd = TLSRPT::Rspamd->new(
    server  => $server,
    signers => ['sender.example'],
    tlsrpt  => 'domains = ["example.com"]; timeout = 4;',
)->start;
my $n = 0;

sub fresh { return report('report-id' => 'id-' . ++$n, @_) }
sub fresh_mail { return signed(report_mail(fresh(@_)), 'sender.example') }

sub counts { return { @{ $server->redis('HGETALL', 'tlsrpt:mail') } } }

# Calls of a command so far.
sub calls {
    my ($command) = @_;

    my $stats = $server->redis('INFO', 'commandstats');

    return $stats =~ /cmdstat_\L$command\E:calls=(\d+)/ ? $1 : 0;
}

$rspamd->scan(my $mail = fresh_mail());
is_deeply(counts(), { stored => 1 }, 'a stored report is there at once');
$rspamd->scan($mail) for 1 .. 2;
$rspamd->scan($_) for
    report_mail(fresh()),
    signed(report_mail('{'), 'sender.example'),
    fresh_mail(domain => 'b.example'),
    nested(fresh_mail()),
    signed(mail([report_part(fresh()), report_part('{')]), 'sender.example');
is_deeply(counts(), { stored => 2, duplicate => 2, unsigned => 1,
                      invalid => 2, unknown => 1, nested => 1 }, 'each kind');

my $before = calls('HINCRBY');
$rspamd->scan("Subject: hi\r\n\r\nhello\r\n") for 1 .. 20;
is(calls('HINCRBY'), $before, 'nothing is written for other mail');

# While Redis is away they wait, and are written once

$server->redis('CONFIG', 'SET', 'save', '3600 1');
$server->redis('SAVE');
my $kept = counts();
$server->stop_redis;
$rspamd->scan($mail = fresh_mail()) for 1 .. 3;
$server->start_redis;
$server->redis('HSET', 'tlsrpt:mail', %$kept) if !%{ counts() };
ok(TLSRPT::Server::wait_until(20, sub {
       $rspamd->scan($mail);
       (counts()->{failed} || 0) == 3 }), 'failed ones are told afterwards');
is(counts()->{stored}, 3, 'once each');

# Those of many mails at once are written together

$before = calls('HINCRBY');
my $unsigned = counts()->{unsigned};
$server->redis('CLIENT', 'PAUSE', '1000', 'WRITE');
my @sockets = map { $rspamd->send_mail(report_mail(fresh())) } 1 .. 50;
$rspamd->receive($_) for @sockets;
is(counts()->{unsigned}, $unsigned + 50, '50 mails at once');
cmp_ok(calls('HINCRBY') - $before, '<', 25, 'are not 50 commands');

# Redis does not let it: the report is stored all the same

$server->redis('ACL', 'SETUSER', 'default', 'resetkeys', '~tlsrpt:{*',
    '~tlsrpt:domains');
$rspamd->scan($mail = fresh_mail());
$server->redis('ACL', 'SETUSER', 'default', 'allkeys');
like($rspamd->log, qr/tlsrpt:mail not written yet: HINCRBY: NOPERM/,
     'what is denied is told');
ok($rspamd->scan($mail)->{symbols}{TLSRPT_DUPLICATE}, 'and nothing is lost');

is($rspamd->stop, '', 'nothing bad in the log');
done_testing;
