#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A reading that takes long takes turns with everybody else, few are under way
# at a time, and what is large does not wait in memory for a slow viewer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use List::Util qw(sum);

use TLSRPT::Test;

my $DAYS    = 12;
my $DETAILS = 400;
my $BY = 'day,organization-name,policy-type,via,result-type,sending-mta-ip,'
    . 'receiving-mx-hostname,receiving-ip,failure-reason-code';

my $t = servers(redis => 1, nginx => 0,
    preload => TLSRPT::Server->top . '/build/bench/stay.so',
    http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
    client_max_body_size 10m;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

# Of the worker, CPU time between two waits, in nanoseconds: bench/stay.c
my $stay = $ENV{STAY_FILE} = $t->write_file('stay', pack 'Q', 0);

$t->start_nginx;
my ($worker) = $t->workers;

sub longest_stay {
    open my $fh, '+<', $stay or die "stay: $!";
    read $fh, my $bytes, 8;
    seek $fh, 0, 0;
    print {$fh} pack 'Q', 0;
    close $fh or die "stay: $!";

    return unpack('Q', $bytes) / 1e9;
}

sub cpu {
    my ($ns) = split ' ', $t->read_file("/proc/$worker/schedstat");
    return $ns / 1e9;
}

sub memory {
    my ($kb) = $t->read_file("/proc/$worker/smaps_rollup")
        =~ /^Private_Dirty:\s+(\d+)/m;
    return $kb / 1024;
}

for my $ago (1 .. $DAYS) {
    my $report = report(domain => 'example.com', day => day(-$ago));

    $report->{policies}[0]{'failure-details'} = [map { {
        'result-type' => 'certificate-expired',
        'sending-mta-ip' => join('.', 10, $ago, int($_ / 250), $_ % 250),
        'receiving-mx-hostname' => "mx$_.example.com",
        'receiving-ip' => '192.0.2.1', 'failure-reason-code' => "reason $_",
        'failed-session-count' => 1,
    } } 1 .. $DETAILS];
    $report->{'date-range'} = {
        'start-datetime' => day(-$ago) . 'T00:00:00Z',
        'end-datetime' => day(-$ago) . 'T23:59:59Z' };
    is $t->post('/v1/tlsrpt', encode_json($report))->{status}, 201,
        "$ago days ago";
}

# Its problems are worked out, so that nothing else is done meanwhile

longest_stay();
ok TLSRPT::Server::wait_until(60, sub {
    @{ $t->get('/tlsrpt/domains/example.com/events')->{json}{events} };
}), 'problems are worked out';
sleep 0.3;
note sprintf 'longest stay for that: %.1f ms', 1e3 * longest_stay();

# In turns

my $uri = "/tlsrpt/domains/example.com?by=$BY";

sleep 0.3;                      # the other events of the start
longest_stay();
my $before = cpu();
my $answer = $t->get($uri);
my $used = cpu() - $before;
my $longest = longest_stay();

is $answer->{status}, 200, 'nine keys';
is scalar @{ $answer->{json}{groups} }, $DAYS * $DETAILS, 'all groups';
is sum(map { $_->{'failed-session-count'} } @{ $answer->{json}{groups} }),
    $DAYS * $DETAILS, 'all sessions';
cmp_ok $longest, '<', $used / 5,
    sprintf 'longest stay: %.1f ms of %.0f', 1e3 * $longest, 1e3 * $used;

my ($last, $disorder) = ('', 0);
for (@{ $answer->{json}{groups} }) {
    $disorder++ if $_->{day} lt $last;
    $last = $_->{day};
}
is $disorder, 0, 'in order';

$answer = $t->get($uri, headers => [Accept => 'text/csv']);
is scalar(() = $answer->{body} =~ /\r\n/g), 1 + $DAYS * $DETAILS, 'as CSV';

# The list of many domains, with a year of days each

for my $ago (1 .. 390) {
    my ($month, $day) = day(-$ago) =~ /^(\d+-\d+)-(\d+)/;

    $t->redis('EVAL', <<'END', 0, $month, $day + 0);
        for i = 1, 60 do
            local name = string.format('d%02d.example', i)
            redis.call('ZADD', 'tlsrpt:domains', 0, name)
            redis.call('ZADD', 'tlsrpt:due', 9999999999, name)
            redis.call('HSET', 'tlsrpt:{' .. name .. '}', 'all',
                       struct.pack('<I7I7I7I7', 1, 1, 0, 1))
            redis.call('HSET', 'tlsrpt:{' .. name .. '}:' .. ARGV[1], ARGV[2],
                       struct.pack('<I7I7I7I7', 1, 1, 0, 0))
        end
END
}

longest_stay();
$before = cpu();
$answer = $t->get('/tlsrpt/domains?by=day&from=' . day(-395));
$used = cpu() - $before;
$longest = longest_stay();

is sum(map { scalar @{ $_->{'by-day'} } } @{ $answer->{json}{domains} }),
    60 * 390 + $DAYS, 'all days of all domains';
cmp_ok $longest, '<', $used / 5,
    sprintf 'longest stay: %.1f ms of %.0f', 1e3 * $longest, 1e3 * $used;

# Few at a time, the others wait; one goes meanwhile

my @viewers = map { $t->connection } 1 .. 12;
my $ask = "GET $uri HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n"
    . "Connection: close\r\n\r\n";
print {$_} $ask for @viewers;
$_->flush for @viewers;
close shift @viewers for 1 .. 3;

is $t->get('/tlsrpt/domains/example.com')->{status}, 200, 'one more';
is TLSRPT::Server::read_answer($_, timeout => 60)->{status}, 200,
    'each is answered' for @viewers;

# Nobody reads, and little is held: by so many, as what the making of a few
# answers leaves behind in the heap is some megabytes

my @slow = map { $t->connection } 1 .. 40;

$t->get($uri, headers => [Accept => 'text/csv']);
my $idle = memory();
print {$_} $ask for @slow;
$_->flush for @slow;

my $size = length $t->get($uri, headers => [Accept => 'text/csv'],
                          timeout => 240)->{body};

# once all are made, which on a busy machine takes a while
my $held;
for (1 .. 60) {
    sleep 1;
    $held = (memory() - $idle) / @slow;
    last if $held < $size / 1e6 * 3 / 4;
}

cmp_ok $held, '<', $size / 1e6 * 3 / 4,
    sprintf "%.2f MB held of %.1f", $held, $size / 1e6;
is TLSRPT::Server::read_answer($_, timeout => 240)->{status}, 200, 'it comes'
    for @slow;

done_testing;
