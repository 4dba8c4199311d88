# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Strangers who ask for hosts that nobody has, and a Redis that does not answer,
# while policies are asked for and reports come: bench/run measures the same at
# length.

use TLSRPT::Test;
use TLSRPT::Registry qw(enrol token_of);

use JSON::PP ();

my $PATH = '/.well-known/mta-sts.txt';
my $ENROLLED = 2000;
my $ASKED = 10_000;

my $t = servers(redis => 1, workers => 1, http => <<'END', server => <<"END");
    tlsrpt_redis %%REDIS%%;
    tlsrpt_redis_timeout 500ms;
    tlsrpt_registry on zone=reg:8m;
    keepalive_requests 1000000;
END
        location = $PATH { mta_sts; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

sub health { return $t->get('/tlsrpt/health')->{json} }
sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(60, $check) }
sub status { return $t->get($PATH, host => "mta-sts.$_[0]")->{status} }

# Asks for so many of the hosts, by so many connections; a handle to read what
# came of it from.
sub load {
    my ($hosts, $connections, $count, @rate) = @_;

    open my $fh, '-|', $t->top . '/build/bench/load', $t->dir . '/nginx.sock',
        $connections, $count, 'get', $PATH, $hosts, @rate or die "load: $!";

    return $fh;
}

sub result {
    my ($fh) = @_;

    my $text = join '', <$fh>;
    close $fh or die 'load';

    return JSON::PP::decode_json($text);
}

# Seconds of CPU that the worker had.
sub cpu {
    my ($worker) = $t->workers;

    return (split ' ', $t->read_file("/proc/$worker/schedstat"))[0] / 1e9;
}

sub cost {
    my ($hosts) = @_;

    my $before = cpu();
    my $got = result(load($hosts, 8, $ASKED));

    return (cpu() - $before, $got->{statuses});
}

sub hosts {
    my ($name, $domain, $n) = @_;

    return $t->write_file($name, join '', map { "mta-sts.$domain$_.example\n" }
                          1 .. $n);
}

enrol($t, "d$_.example") for 1 .. $ENROLLED;
ok soon(sub { health()->{registry} && status("d$ENROLLED.example") == 200 }),
    'loaded';

my $known = hosts('known', 'd', $ENROLLED);
my $unknown = hosts('unknown', 'u', $ASKED);

# A flood

my ($cost, $statuses) = cost($known);
is_deeply $statuses, { 200 => $ASKED }, 'policies';
my ($cost_of_none, $none) = cost($unknown);
is_deeply $none, { 404 => $ASKED }, 'hosts that nobody has';
cmp_ok $cost_of_none, '<', 2 * $cost, 'cost no more than twice the CPU';

my $calls = sub {
    return $t->redis('INFO', 'stats') =~ /^total_commands_processed:(\d+)/m
        && $1;
};
my $before = $calls->();
my $strangers = load($unknown, 32, $ASKED);
my $honest = result(load($known, 1, 500));
is_deeply $honest->{statuses}, { 200 => 500 }, 'one client beside a flood';
is_deeply result($strangers)->{statuses}, { 404 => $ASKED },
    'which gets nothing';
cmp_ok $calls->() - $before, '<', 500, 'and asks nothing of Redis';

# Redis does not answer

sub sent {
    my ($id) = @_;

    return $t->post('/v1/tlsrpt/' . token_of('d1.example'), encode_json(report(
        domain => 'd1.example', 'report-id' => "r$id")))->{status};
}

my (%got, @later);
$got{ sent($_) }++ for 1 .. 5;
kill 'STOP', $t->{redis_pid};
my $asking = load($known, 8, $ASKED, 3000);
for my $n (6 .. 12) {
    my $status = sent($n);
    $got{$status}++;
    push @later, $n if $status != 201;
}
ok !health()->{redis}, 'Redis is away, which is seen';
ok health()->{registry}, 'the registry is there';
is status('d7.example'), 200, 'a policy is';
is status('nobody.example'), 404, 'and nobody else';
is_deeply result($asking)->{statuses}, { 200 => $ASKED },
    'whatever was asked for meanwhile';
is_deeply \%got, { 201 => 5, 503 => 7 }, 'reports are to come again';

kill 'CONT', $t->{redis_pid};
ok soon(sub { health()->{redis} }), 'it is back';
enrol($t, 'late.example');
ok soon(sub { status('late.example') == 200 }), 'changes are seen again';
my %again;
$again{ sent($_) }++ for @later;
is $again{201} // 0, 7 - ($again{200} // 0), 'they come again, and are taken';
is $t->counted('d1.example'), 12, 'each counts once';

done_testing;
