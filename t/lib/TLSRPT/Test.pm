# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Test;

# For the tests: Test::More, and servers that are checked when they stop.
#
#     use TLSRPT::Test;
#
#     my $t = servers(http => 'tlsrpt_redis %%REDIS%%;', redis => 1, server =>
#         'location /v1/tlsrpt { tlsrpt_collect; }');
#     my $answer = $t->post('/v1/tlsrpt', $json);
#     is $answer->{status}, 201;
#     is_deeply $t->redis('KEYS', '*'), [];
#     done_testing;
#
# What a server can do is in TLSRPT::Server.

use strict;
use warnings;

use parent 'Exporter';

use Test::More import => [qw(!done_testing)];
use JSON::PP ();
use POSIX qw(strftime);
use TLSRPT::Server;

our @EXPORT = (qw(servers report encode_json decode_json today day
                  finish done_testing),
               grep { $_ ne 'done_testing' } @Test::More::EXPORT);

my @servers;

sub import {
    my ($class) = @_;

    strict->import;
    warnings->import;
    $SIG{$_} ||= sub { exit 1 } for qw(INT TERM HUP);

    return $class->export_to_level(1);
}

# New, started: nginx unless nginx => 0, Redis if redis => 1.
sub servers {
    my (%args) = @_;

    my %start = (nginx => 1, redis => 0);
    for (keys %start) {
        $start{$_} = delete $args{$_} if exists $args{$_};
    }

    my $server = TLSRPT::Server->new(%args);
    push @servers, $server;
    $server->start_redis if $start{redis};
    $server->start_nginx if $start{nginx};

    return $server;
}

# Stops one server, and says whether all it logged was clean.
sub finish {
    my ($server) = @_;

    @servers = grep { $_ != $server } @servers;
    my $ran = $server->nginx_pid;
    my $bad = $server->stop;
    Test::More::is($bad, '', 'nothing bad in the error log') if $ran;

    return;
}

# The last first: to its end it may use the Redis of one before it.
sub done_testing {
    finish($_) for my @all = reverse @servers;
    Test::More::done_testing();

    return;
}

sub encode_json { return JSON::PP->new->utf8->canonical->encode($_[0]) }
sub decode_json { return JSON::PP->new->utf8->decode($_[0]) }

# The UTC day so many days from today: 2026-01-31.
sub day   { return strftime('%Y-%m-%d', gmtime(time + 86400 * ($_[0] || 0))) }
sub today { return day(0) }

# A sound report as a Perl structure, of yesterday; members can be replaced.
sub report {
    my (%members) = @_;

    my $domain = delete $members{domain} || 'example.com';
    my $day = delete $members{day} || day(-1);

    return {
        'organization-name' => 'Example Sender',
        'date-range' => {
            'start-datetime' => "${day}T00:00:00Z",
            'end-datetime'   => "${day}T23:59:59Z",
        },
        'contact-info' => 'tlsrpt@sender.example',
        'report-id' => "$day-$domain",
        policies => [{
            policy => {
                'policy-type' => 'sts',
                'policy-string' => ['version: STSv1', 'mode: enforce',
                                    "mx: mx.$domain", 'max_age: 604800'],
                'policy-domain' => $domain,
                'mx-host' => ["mx.$domain"],
            },
            summary => {
                'total-successful-session-count' => 100,
                'total-failure-session-count' => 3,
            },
            'failure-details' => [{
                'result-type' => 'certificate-expired',
                'sending-mta-ip' => '192.0.2.1',
                'receiving-mx-hostname' => "mx.$domain",
                'receiving-ip' => '198.51.100.1',
                'failed-session-count' => 3,
            }],
        }],
        %members,
    };
}

1;
