#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# From a report to the list of domains and the metrics, and back: what is open
# is there soon after the report that shows it, and gone after those that show
# its end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Test;

my $D = 'a.example';

my $t = servers(redis => 1, workers => 2, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain a.example;
    mta_sts_policy a.example mode=enforce max_age=7d mx=mx.a.example;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

# A day's report, of so many failed sessions of 100.
sub post {
    my ($ago, $failed) = @_;

    my $report = report(domain => $D, 'report-id' => "r$ago",
                        day => day(-$ago));
    my ($policy) = @{ $report->{policies} };

    $policy->{summary} = { 'total-successful-session-count' => 100 - $failed,
                           'total-failure-session-count' => $failed };
    $policy->{'failure-details'} = $failed ? [{
        'result-type' => 'certificate-expired',
        'sending-mta-ip' => '192.0.2.1', 'receiving-ip' => '203.0.113.1',
        'receiving-mx-hostname' => 'mx.a.example',
        'failed-session-count' => $failed }] : [];

    return $t->post('/v1/tlsrpt', encode_json($report))->{status};
}

sub line { return $t->get('/tlsrpt/domains')->{json}{domains}[0] }

# The line, once its status is this one.
sub wait_for {
    my ($status) = @_;

    my $line;
    for (1 .. 300) {
        $line = line();
        last if $line->{status} eq $status;
        select undef, undef, undef, 0.1;
    }

    return $line;
}

sub open_problems {
    my $text = $t->get('/tlsrpt/metrics')->{body};

    return [$text =~ /^tlsrpt_open_problems\{policy_domain="a\.example",(?#
                     )severity="(?:high|medium|low)"\} (\d+)$/mg];
}

is line()->{status}, 'waiting', 'no report';
is line()->{'policy-mode'}, 'enforce', 'the policy';

is post(4, 0), 201, 'a report without failures';
is line()->{status}, 'ok', 'all is well';
is_deeply open_problems(), [0, 0, 0], 'nothing is open';

is post(3, 60), 201, 'one with failures';
my $line = wait_for('failing');
is $line->{status}, 'failing', 'the domain is failing';
like $line->{'problem-title'}, qr/mx\.a\.example/, 'what is wrong';
my ($problem) = @{ $t->get("/tlsrpt/domains/$D/problems")->{json}{problems} };
is $line->{'problem-title'}, $problem->{title}, 'as its problem says';
is $line->{'lost-mail'}, lc(($problem->{'lost-mail'} =~ /^(\w+)/)[0]),
    'whether mail is lost';
is_deeply [sort { $a <=> $b } @{ open_problems() }], [0, 0, 1],
    'the metrics have it';
is_deeply [map { $_->{domain} } @{ $t->get('/tlsrpt/domains?status=failing')
                                     ->{json}{domains} }], [$D], 'so has a list';

is post($_, 0), 201, "none $_ days ago" for 2, 1;
$line = wait_for('ok');
is_deeply [@{$line}{qw(status problem-title lost-mail)}], ['ok', undef, 'no'],
    'it is mended';
is_deeply open_problems(), [0, 0, 0], 'in the metrics, too';

done_testing;
