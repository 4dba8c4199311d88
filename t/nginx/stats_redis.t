#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Reading while Redis is away or slow, while the client goes or is slow, and
# while nginx is reloaded.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Time::HiRes qw(sleep time);
use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_redis_timeout 10s;
    tlsrpt_domain example.com;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
        location /nothing { return 204; }
END

my $URL = '/tlsrpt/domains/example.com';
my $ALL = "$URL?by=day,failure-reason-code,organization-name";

# A megabyte of groups; asked for as CSV, which no one here need decode.
for my $n (1 .. 58) {
    my $report = report('report-id' => $n, day => day(-$n / 2));
    $report->{policies}[0]{'failure-details'} = [map {
        { 'result-type' => 'validation-failure', 'failed-session-count' => 1,
          'failure-reason-code' => "reason $n $_ " . 'x' x 230 }
    } 1 .. 64];

    my $answer = $t->post('/v1/tlsrpt', encode_json($report));
    $answer->{status} == 201 or die $answer->{body};
}

sub pause_redis  { kill 'STOP', $t->{redis_pid} or die "kill: $!"; return }
sub resume_redis { kill 'CONT', $t->{redis_pid} or die "kill: $!"; return }

sub get { return $t->get($_[0], headers => [Accept => 'text/csv']) }

# A request whose answer is read later.
sub ask {
    my ($path, $socket) = @_;

    $socket ||= $t->connection;
    print $socket "GET $path HTTP/1.1\r\nHost: localhost\r\n"
        . "Accept: text/csv\r\nConnection: close\r\n\r\n";
    $socket->flush;

    return $socket;
}

sub answer { return TLSRPT::Server::read_answer($_[0], timeout => 20) }

my $whole = get($ALL);
is $whole->{status}, 200, 'a big answer';
cmp_ok length $whole->{body}, '>', 1_000_000, 'big indeed';


# A slow client

my $slow = IO::Socket::INET->new(Proto => 'tcp') or die "socket: $!";
setsockopt $slow, SOL_SOCKET, SO_RCVBUF, 4096 or die "setsockopt: $!";
connect $slow, Socket::pack_sockaddr_in($t->port, Socket::inet_aton('127.0.0.1'))
    or die "connect: $!";
ask($ALL, $slow);
sysread $slow, my $first, 100;

is $t->get($URL)->{status}, 200, 'others are answered meanwhile';
sleep 0.1;

my $got = $first . do { local $/; <$slow> };
$got =~ s/^.*?\r\n\r\n//s;
ok $got eq $whole->{body}, 'a slow client gets the whole';

# and one that goes amid the answer
$slow = $t->connection;
ask($ALL, $slow);
sysread $slow, $first, 100;
close $slow;
is $t->get($URL)->{status}, 200, 'one that goes amid it does no harm';


# The client goes while Redis is awaited

pause_redis();
my @gone = map { ask($_) } ($ALL, $URL, '/tlsrpt/domains') x 5;
sleep 0.1;
close $_ for @gone;
sleep 0.1;
is $t->get('/nothing')->{status}, 204, 'a waiting read blocks no one';
my $waiting = ask($URL);
resume_redis();
is answer($waiting)->{status}, 200, 'one is answered after those who went';
ok get($ALL)->{body} eq $whole->{body},
    'and the replies are not mixed up';


# Reload while Redis is awaited

pause_redis();
my @waiting = map { ask($_) } ($ALL, '/tlsrpt/domains') x 3;
sleep 0.1;
$t->reload;
resume_redis();

for my $n (0 .. $#waiting) {
    my $answer = answer($waiting[$n]);
    is $answer->{status}, 200, 'a read outlives the reload';
    ok $answer->{body} eq $whole->{body}, 'whole' unless $n % 2;
}
ok get($ALL)->{body} eq $whole->{body}, 'and the new worker reads';

# Many at once, more than the window, on one connection of Redis.
@waiting = map { ask($ALL) } 1 .. 20;
is scalar(grep { answer($_)->{body} ne $whole->{body} } @waiting), 0,
    'many reads at once';


finish($t);


# Redis is slower than the deadline

$t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_redis_timeout 300ms;
    tlsrpt_domain example.com;
END
        location /tlsrpt/ { tlsrpt_stats; }
END

is $t->get($URL)->{status}, 200, 'Redis answers';
pause_redis();
my $answer = $t->get($URL);
is $answer->{status}, 503, 'Redis does not answer in time';
ok exists $answer->{headers}{'retry-after'}, 'Retry-After';
is $t->get('/tlsrpt/domains')->{status}, 503, 'nor does it for the list';
resume_redis();
ok TLSRPT::Server::wait_until(15, sub { $t->get($URL)->{status} == 200 }),
    'then it does';

# Redis answers, but with an error
$t->redis('SET', 'tlsrpt:domains', 'no sorted set');
is $t->get('/tlsrpt/domains')->{status}, 503, 'an error of Redis';
like $t->error_log, qr/error: WRONGTYPE /, 'is in the log';
is $t->redis('DEL', 'tlsrpt:domains'), 1, 'mended';
is $t->get('/tlsrpt/domains')->{status}, 200, 'the list is back';


# Redis is away

# killed: its socket stays, and refuses
TLSRPT::Server::end_process(delete $t->{redis_pid}, 'KILL');
delete $t->{redis};

for my $path ($URL, '/tlsrpt/domains', $ALL) {
    my $away = $t->get($path);

    is $away->{status}, 503, "$path without Redis";
    is $away->{headers}{'content-type'}, 'application/problem+json',
        'a problem';
    like $away->{headers}{'retry-after'}, qr/^\d+$/, 'when to come again';
    is $away->{headers}{'cache-control'}, 'no-store', 'not cached';
}

is $t->get("$URL?by=nothing")->{status}, 400, 'what is wrong stays wrong';

$t->start_redis;
ok TLSRPT::Server::wait_until(15, sub { $t->get($URL)->{status} == 200 }),
    'it is found again';

done_testing;
