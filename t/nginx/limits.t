# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The limits of SECURITY.md: who floods is held, and does not hold up others.
# Clients are made by the realip module.

use TLSRPT::Test;
use TLSRPT::Readme;

use Time::HiRes qw(time);

my ($http, $location) = TLSRPT::Readme::blocks('Limiting requests',
                                               'SECURITY.md');
my ($client_rate) = $http =~ /zone=tlsrpt_client:\S+ +rate=(\d+)r\/m/;
my ($total_rate) = $http =~ /zone=tlsrpt_total:\S+ +rate=(\d+)r\/s/;
my ($client_burst) = $location =~ /zone=tlsrpt_client burst=(\d+)/;
my ($total_burst) = $location =~ /zone=tlsrpt_total burst=(\d+)/;

my $t = servers(redis => 1, http => <<"END", server => <<"END");
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
    set_real_ip_from 127.0.0.1;
    set_real_ip_from unix:;
    real_ip_header X-Client;
$http
END
$location
        location /tlsrpt/ { tlsrpt_stats; }
        location /other { return 204; }
END

my $body = encode_json(report());

sub status {
    my ($client, $text) = @_;

    return $t->post('/v1/tlsrpt', $text || $body,
                    headers => ['X-Client' => $client])->{status};
}

# As many requests; how many of them were not limited, and the seconds.
sub flood {
    my ($n, $client) = @_;

    my $start = time;
    my $passed = grep { status($client->($_)) != 429 } 1 .. $n;

    return ($passed, time - $start);
}

sub held {
    my ($passed, $most, $name) = @_;

    return ok($passed <= $most, "$name: $passed passed, at most $most may");
}

is status('192.0.2.1'), 201, 'an honest sender';

# One client

my ($passed, $seconds) = flood(300, sub { '198.51.100.1' });
held($passed, 1 + $client_burst + $client_rate / 60 * $seconds, 'one client');
cmp_ok $passed, '>=', $client_burst, 'its burst passes';
is status('198.51.100.1'), 429, 'it is held';
is status('192.0.2.1'), 200, 'others are not';
is status('192.0.2.2', encode_json(report('report-id' => 'other'))), 201,
    'nor another sender';

# The addresses of one network

($passed, $seconds) = flood(300,
    sub { sprintf '2001:db8:1:2:%x::%x', $_[0], $_[0] });
held($passed, 1 + $client_burst + $client_rate / 60 * $seconds,
     'an IPv6 network');
is status('2001:db8:1:3::1'), 200, 'the next network is not held';

# Very many clients

($passed, $seconds) = flood(900, sub { '10.0.' . join '.', $_[0] >> 8,
                                                           $_[0] & 255 });
held($passed, 1 + $total_burst + $total_rate * $seconds, 'all together');
is $t->get('/other')->{status}, 204, 'other locations answer';

# What was limited did not get to Redis: it has the honest ones and those that
# passed, each once.

is $t->counted('example.com'), 2, 'the reports are counted once';

done_testing;
