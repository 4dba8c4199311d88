#!/usr/bin/perl
# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What reading, counting and a policy cost, in instructions, which callgrind
# counts the same every time: a slip of a tenth fails.  The figures of
# bench/baseline.json are ratios to a floor of the same run (zlib alone,
# nginx's return 200), so that another compiler or zlib is no slip.  Small
# reports are inflated by libdeflate, which has code of its own for each kind of
# CPU: that is left out.
#
#     BENCH_BASELINE=1 prove -It/lib t/bench    writes them anew

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use TLSRPT::Server;

my $TOP    = TLSRPT::Server->top;
my $BENCH  = "$TOP/build/bench";
my $FILE   = "$TOP/bench/baseline.json";
my $ROOM   = 1.10;
my $POLICY = '/.well-known/mta-sts.txt';
my $JSON   = JSON::PP->new->canonical->pretty;

my $server = TLSRPT::Server->new(sanitize => 0);
my $dir = $server->dir;

# Instructions of a program so far as callgrind has counted them.
sub counted {
    my ($name) = @_;

    my ($total) = $server->read_file("$name.callgrind")
        =~ /^(?:summary|totals): (\d+)/m
        or die "callgrind: " . $server->read_file("$name.log");

    return $total;
}

sub callgrind {
    my ($name) = @_;

    return ('valgrind', '--tool=callgrind',
            "--callgrind-out-file=$dir/$name.callgrind", '--log-file='
            . "$dir/$name.log");
}

# Of one task of bench/micro: what more of them take more.
sub of_task {
    my ($task, $report, $times) = @_;

    my @total = map {
        system(callgrind("$task-$_"), "$BENCH/micro", 'run', $task, $_,
               "$BENCH/$report.json.gz") == 0 or die "micro $task";
        counted("$task-$_");
    } 1, 1 + $times;

    return ($total[1] - $total[0]) / $times;
}

# Of one request for a policy to nginx, likewise; name: whose socket.
sub of_request {
    my ($name, $times) = @_;

    my $hosts = $server->write_file('hosts', "mta-sts.example.com\n");

    my @total = map {
        my $run = "$name-$_";
        my $socket = "$dir/$name.sock";
        my $pid = $server->spawn("$dir/$run.out", {}, callgrind($run),
            $server->nginx_command('nginx', '-g', 'master_process off;'));

        TLSRPT::Server::wait_until(30, sub {
            IO::Socket::UNIX->new(Peer => $socket);
        }) or die 'nginx: ' . $server->read_file("$run.out");

        system("$BENCH/load $socket 1 $_ get $POLICY $hosts > $dir/load.out")
            == 0 or die 'load';
        like $server->read_file('load.out'), qr/"statuses":\{"200":$_\}/,
            "$name: $_ times 200";
        # a process that is its own master may go to sleep with a signal
        # that came just before: the next one wakes it
        TLSRPT::Server::end_process($pid, ('QUIT') x 3);
        unlink glob "$dir/*.sock";
        counted($run);
    } 100, 100 + $times;

    return ($total[1] - $total[0]) / $times;
}

my %floor = (
    typical => of_task('inflate', 'typical', 200),
    huge    => of_task('inflate', 'huge', 1),
);
my %ratio = (
    'reading, typical, but inflating / zlib' =>
        (of_task('read', 'typical', 200) - of_task('gunzip', 'typical', 200))
        / $floor{typical},
    'reading, clean, but inflating / zlib' =>
        (of_task('read', 'clean', 200) - of_task('gunzip', 'clean', 200))
        / of_task('inflate', 'clean', 200),
    'reading, huge / zlib' => of_task('read', 'huge', 1) / $floor{huge},
    'counting, typical / zlib' =>
        of_task('tally', 'typical', 200) / $floor{typical},
    'counting, huge / zlib' => of_task('tally', 'huge', 1) / $floor{huge},
);

# The same request for both: what its path costs is nginx's.
$server->{http} = <<"END";
    mta_sts_policy example.com mode=enforce max_age=14d mx=mx1.example.com
                   mx=mx2.example.com;

    server {
        listen unix:%%DIR%%/return.sock;
        location = $POLICY {
            default_type "text/plain; charset=utf-8";
            add_header X-Content-Type-Options nosniff;
            return 200 "version: STSv1\\r\\nmode: enforce\\r\\nmx: mx1.example.com\\r\\nmx: mx2.example.com\\r\\nmax_age: 1209600\\r\\n";
        }
    }
END
$server->{server} = "location = $POLICY { mta_sts; }";
$server->write_file('nginx.conf', $server->nginx_conf);

$ratio{'policy / return 200'} =
    of_request('nginx', 500) / of_request('return', 500);

$_ = sprintf '%.3f', $_ for values %ratio;

if ($ENV{BENCH_BASELINE}) {
    $server->write_file($FILE, $JSON->encode({
        map { $_ => $ratio{$_} + 0 } keys %ratio }));
}

my $baseline = $JSON->decode($server->read_file($FILE));

is join(', ', sort keys %ratio), join(', ', sort keys %$baseline),
    'every one has a baseline';

for my $name (sort keys %ratio) {
    cmp_ok $ratio{$name}, '<=', $ROOM * $baseline->{$name},
        "$name: $ratio{$name}, was $baseline->{$name}";
    diag "$name: now $ratio{$name}: lower the baseline"
        if $ratio{$name} * $ROOM < $baseline->{$name};
}

done_testing;
