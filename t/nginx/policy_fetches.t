# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Requests for policies are counted by day and answer, each once, for domains of
# this server alone: over a reload, an exit, and while Redis is away.  Problems
# tell of them.

use TLSRPT::Test;
use TLSRPT::Registry qw(enrolment write_record);

my $PATH = '/.well-known/mta-sts.txt';
my $MOST = 2048;                # ngx_http_tlsrpt_policy_fetches_zone.h
my $many = join '', map { "tlsrpt_domain d$_.example;\n" } 1 .. $MOST + 50;
my $t = servers(nginx => 0, redis => 1, workers => 2, http => <<"END",
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:1m;
    tlsrpt_domain plain.example;
    tlsrpt_domain .below.example;
    mta_sts_policy example.com mode=testing max_age=7d mx=mx.example.com;
    keepalive_requests 10000;
    $many
END
    server => <<"END");
        location = $PATH {
            if (\$http_browser) { return 301 https://\$host/; }
            mta_sts;
        }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END
write_record($t, 'enrolled.example', { holder => enrolment('enrolled.example',
    state => 'active', since => time - 9e6, proved => time - 9e6,
    served => time - 8e6, mode => 'testing', 'max-age' => 86400,
    mx => ['mx.enrolled.example']) });
$t->start_nginx;

sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(30, $check) }

# Of all its days: "200 5, 404 1".
sub counted {
    my ($domain) = @_;

    my %all = @{ $t->redis('HGETALL', "tlsrpt:{$domain}:fetches") };
    my %sum;

    for (grep { / / } keys %all) { $sum{ (split)[1] } += $all{$_} }

    return join ', ', map { "$_ $sum{$_}" } sort keys %sum;
}

# Answers of so many requests, each by a connection of its own.
sub ask {
    my ($n, $domain, %opt) = @_;

    return join ' ', map {
        $t->request($opt{method} || 'GET', $opt{path} || $PATH,
                    host => "mta-sts.$domain", %opt)->{status}
    } 1 .. $n;
}

ok soon(sub { ask(1, 'enrolled.example') eq '200' }), 'an enrolled domain';
ok soon(sub { counted('enrolled.example') =~ /200 1/ }), 'is counted';

ask(20, 'example.com');
ask(2, 'example.com', method => 'HEAD');
ask(1, 'example.com', method => 'POST');
ask(3, 'plain.example');
ask(2, $_) for 'a.below.example', 'unknown.example';
ask(2, 'example.com', path => '/');
is ask(2, 'example.com', headers => [Browser => 1]), '301 301',
    'by HTTP, as no sender asks';

ok soon(sub { counted('example.com') eq '200 22, 405 1' }),
    'a configured policy, by answer' or diag counted('example.com');
is counted('plain.example'), '404 3', 'a domain that has none';
is scalar(grep { /:fetches\z/ } @{ $t->redis('KEYS', '*') }), 3,
    'nothing of others';

my ($node, $days) = @{ $t->redis('HGETALL', 'tlsrpt:{checks}:nodes') };
my ($since) = $days =~ /^(\S+) \S+$/;
ok $since, "since when this node counts: $days";

# Redis goes, and comes back empty.
$t->stop_redis;
ask(5, 'example.com');
$t->start_redis;
ok soon(sub { counted('example.com') eq '200 5' }),
    'what was counted while Redis was away' or diag counted('example.com');

ask(4, 'example.com');
$t->reload;
ask(1, 'example.com');
ok soon(sub { counted('example.com') eq '200 10' }), 'before and after a reload'
    or diag counted('example.com');

# A report of yesterday, when 404 was answered.
my $yesterday = day(-1);
my $today = day(0);
$t->redis('HSET', 'tlsrpt:{example.com}:fetches', "$yesterday 404", 12);
my $report = report();
$report->{policies}[0]{'failure-details'} =
    [{ 'result-type' => 'sts-policy-fetch-error', 'failed-session-count' => 3 }];
is $t->post('/v1/tlsrpt', encode_json($report))->{status}, 201, 'a report';
my $cause = $t->get('/tlsrpt/domains/example.com/problems')
    ->{json}{problems}[0]{'likely-cause'};
like $cause, qr/^On \S+, requests for this policy were answered here with status/,
    'its problem tells of our answers';
like $cause, qr/404 12 times; checks/, 'with their numbers';

$t->redis('HDEL', 'tlsrpt:{example.com}:fetches', "$yesterday 404");
$t->redis('HSET', 'tlsrpt:{checks}:nodes', $node, "2026-01-01 $today");
ok soon(sub {
    return $t->get('/tlsrpt/domains/example.com/problems')
        ->{json}{problems}[0]{'likely-cause'} =~ /no request .* on 1 server/;
}), 'and that there were none';

# More than there is room for, while Redis does not answer: what could not be
# counted is no day without requests.
$t->redis('CLIENT', 'PAUSE', 3000);
my $socket = $t->connection;
for my $i (1 .. $MOST + 50) {
    print $socket "GET $PATH HTTP/1.1\r\nHost: mta-sts.d$i.example\r\n\r\n";
    1 until <$socket> =~ m{^</html>};
}
ok soon(sub { $t->redis('HGET', 'tlsrpt:{checks}:nodes', $node)
              eq "$today $today" }), 'a day that was not counted whole';
is scalar(() = $t->error_log =~ /policies of more domains were asked for/g), 1,
    'that is in the log once';
ok soon(sub { counted("d$MOST.example") || counted('d100.example') }),
    'what was counted comes to Redis';

ask(3, 'example.com');
$t->stop_nginx;
is counted('example.com'), '200 13', 'what is left is told at the exit';

done_testing;
