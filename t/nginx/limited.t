#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What nginx refuses before us (limit_req, limit_conn), and conditions that a
# POST does not have: our answer, and what it counts as.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
    limit_req_zone $http_x_who zone=posts:1m rate=1r/m;
    limit_req_zone $http_x_who zone=asks:1m rate=1r/m;
    limit_conn_zone $http_x_where zone=one:1m;
    log_format status '$status $tlsrpt_status';
END
        access_log %%DIR%%/access.log status;

        location /v1/tlsrpt {
            tlsrpt_collect;
            limit_req zone=posts;
        }

        location /own {
            tlsrpt_collect;
            limit_req zone=asks;
            limit_req_status 429;
        }

        location /away {
            tlsrpt_collect;
            limit_conn one 1;
        }

        location /tlsrpt/ {
            tlsrpt_stats;
            limit_req zone=posts;
        }
END

my $body = encode_json(report(domain => 'example.com'));

sub post {
    my ($uri, @headers) = @_;

    return $t->post($uri, $body, headers => \@headers);
}

sub counted {
    my ($status) = @_;

    my $text = $t->get('/tlsrpt/metrics')->{body};
    return $text =~ /^tlsrpt_collect_requests_total\{status="$status"\} (\d+)$/m
        ? $1 : undef;
}

is post('/v1/tlsrpt')->{status}, 201, 'stored';

# If-Match is of a state that a POST of a report does not have
for my $condition ('If-Match' => 'If-Unmodified-Since') {
    my $got = post('/v1/tlsrpt', $condition => $condition eq 'If-Match'
                   ? '"x"' : 'Thu, 01 Jan 1970 00:00:00 GMT');

    is $got->{status}, 200, "a duplicate with $condition";
    is decode_json($got->{body})->{status}, 'duplicate', 'our answer';
}

for ([503, '/v1/tlsrpt', 'X-Who' => 'a'], [429, '/own', 'X-Who' => 'a']) {
    my ($status, $uri, @who) = @$_;

    isnt post($uri, @who)->{status}, $status, "$uri: one is taken";

    my $got = post($uri, @who);
    my $problem = eval { decode_json($got->{body}) } || {};

    is $got->{status}, $status, "$uri: the next is not";
    is $got->{headers}{'content-type'}, 'application/problem+json',
        'our answer';
    is $problem->{detail}, 'too many requests, come again later', 'its words';
    is $problem->{status}, $status, 'its status';
    ok $got->{headers}{'retry-after'}, 'when to come again';
}

# one that does not send its body holds the place
my $holds = $t->connection;
print {$holds} "POST /away HTTP/1.1\r\nHost: x\r\nX-Where: here\r\n"
    . "Content-Length: 9\r\n\r\n";

my $got;
TLSRPT::Server::wait_until(5, sub {
    $got = post('/away', 'X-Where' => 'here');
    return $got->{status} == 503;
});

is $got->{status}, 503, 'limit_conn';
is eval { decode_json($got->{body})->{detail} },
    'too many requests, come again later', 'its words';

is counted('limited'), 3, 'counted as limited';
is counted('failed'), 0, 'not as failed';
close $holds;
is scalar(() = $t->read_file('access.log') =~ /^(?:503|429) limited$/mg), 3,
    'in $tlsrpt_status too';

$t->get('/tlsrpt/metrics', headers => ['X-Who' => 'b']);
$got = $t->get('/tlsrpt/metrics', headers => ['X-Who' => 'b']);
is $got->{status}, 503, 'who reads is limited likewise';
is eval { decode_json($got->{body})->{detail} },
    'too many requests, come again later', 'the same words';

done_testing;
