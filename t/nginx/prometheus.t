#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Prometheus reads the metrics; with the rules of contrib/ it alerts, and every
# query of Grafana's dashboard there is answered.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use HTTP::Tiny;
use TLSRPT::State;
use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain .example;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

my $contrib = TLSRPT::Server->top . '/contrib';

sub post {
    my ($domain, $id) = @_;

    my $report = report(domain => $domain, 'report-id' => $id);
    $report->{policies}[0]{'failure-details'} = [{
        'result-type' => 'certificate-expired', 'failed-session-count' => 3,
        'sending-mta-ip' => '192.0.2.1',
        'receiving-mx-hostname' => 'mx.example' }];
    my $answer = $t->post('/v1/tlsrpt', encode_json($report));
    $answer->{status} == 201 or die $answer->{body};

    return;
}

# What rspamd would have counted, too.

post($_, 'first') for qw(a.example b.example);
my $expired = open_entry('certificate-expired', 'mx.example', 'high', 'yes');
put_open($t, 'a.example', $expired);
put_none($t, 'b.example');
$t->redis('HSET', 'tlsrpt:mail', stored => 12);
$t->redis('HSET', 'tlsrpt:{outbox}:counts', 'mail:delivered' => 7,
          'oldest:mail' => time - 7200, renewed => time);
my %looked = (at => time, since => time);
$t->redis('SET', 'tlsrpt:{a.example}:check', encode_json({ v => 1, %looked,
    mx => { %looked, error => 'servfail' },
    policy => { %looked, result => 'ok',
                chain => [{ 'not-after' => time + 30 * 86400 }] } }));
$t->redis('SET', 'tlsrpt:{checks}:seen', time);


# Prometheus

my $port = TLSRPT::Server::free_port();
$t->write_file('prometheus.yml', <<"END");
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [ '$contrib/prometheus/tlsrpt.rules.yml' ]
scrape_configs:
  - job_name: tlsrpt
    metrics_path: /tlsrpt/metrics
    static_configs: [ { targets: [ '127.0.0.1:@{[ $t->port ]}' ] } ]
END

my $pid = $t->spawn($t->dir . '/prometheus.log', {},
    'prometheus', '--config.file', $t->dir . '/prometheus.yml',
    '--storage.tsdb.path', $t->dir . '/prometheus',
    '--web.listen-address', "127.0.0.1:$port");

sub api {
    my ($path, %form) = @_;

    my $http   = HTTP::Tiny->new(timeout => 5);
    my $url    = "http://127.0.0.1:$port/api/v1/$path";
    my $answer = %form ? $http->post_form($url, \%form) : $http->get($url);

    # "error" of a query that it does not understand
    return $answer->{content} =~ /^\{/ ? decode_json($answer->{content})
                                       : { error => $answer->{content} };
}

# The first value of a query; undef: there is none (yet).
sub value {
    my ($query) = @_;

    my $result = (api('query', query => $query)->{data} || {})->{result};

    return $result && @$result ? $result->[0]{value}[1] : undef;
}

sub wait_for {
    my ($query, $want) = @_;

    my $value;
    for (1 .. 600) {
        $value = value($query);
        last if defined $value && (!defined $want || $value == $want);
        select undef, undef, undef, 0.1;
    }

    return $value;
}

is wait_for('sum(tlsrpt_reports_total)'), 2, 'it reads the metrics';
post('b.example', 'second');
is wait_for('sum(tlsrpt_reports_total)', 3), 3, 'and reads them again';


# The rules

# of a second, in which each rule was looked at
my ($rules, @alerts);
for (1 .. 300) {
    $rules  = api('rules')->{data}{groups} || [];
    @alerts = map { "$_->{labels}{alertname} $_->{state}" }
        @{ api('alerts')->{data}{alerts} || [] };
    last if !grep({ $_->{health} eq 'unknown' } map { @{ $_->{rules} } } @$rules)
            && @$rules && @alerts >= 2;
    select undef, undef, undef, 0.1;
}

is_deeply [map { $_->{lastError} || () } map { @{ $_->{rules} } } @$rules], [],
    'no rule fails';
is_deeply [map { $_->{health} } map { @{ $_->{rules} } } @$rules],
    [('ok') x map { @{ $_->{rules} } } @$rules], 'all of them are well';
is_deeply [sort @alerts], ['TlsrptAlertsWait firing',
                           'TlsrptProblemHigh firing'], 'what is wrong';

put_none($t, 'a.example');
for (1 .. 300) {
    @alerts = map { $_->{labels}{alertname} }
        @{ api('alerts')->{data}{alerts} };
    last if "@alerts" eq 'TlsrptAlertsWait';
    select undef, undef, undef, 0.1;
}
is "@alerts", 'TlsrptAlertsWait', 'the problem is mended';
put_open($t, 'a.example', $expired);
is wait_for('sum(tlsrpt_open_problems{severity="high"})', 1), 1, 'and is back';


# The dashboard

my $dashboard = decode_json($t->read_file("$contrib/grafana/tlsrpt.json"));
my ($domains) = map { $_->{query}{query} }
    grep { $_->{name} eq 'domain' } @{ $dashboard->{templating}{list} };
is $domains, 'label_values(tlsrpt_reports_total, policy_domain)',
    'its list of domains';
is_deeply api('label/policy_domain/values?match[]=tlsrpt_reports_total')
    ->{data}, ['a.example', 'b.example'], 'has them';

my @queries = map { my $panel = $_;
    map { ["$panel->{title}: $_->{expr}", $_->{expr}] }
        @{ $panel->{targets} || [] } } @{ $dashboard->{panels} };
cmp_ok scalar @queries, '>', 20, 'queries';

for my $query (@queries) {
    my ($name, $expr) = @$query;

    # as Grafana does, for all domains
    $expr =~ s/\$domain\b/.*/g;
    $expr =~ s/\$__range\b/1d/g;
    $expr =~ s/\$__rate_interval\b/1m/g;
    unlike $expr, qr/\$/, $name;

    my $answer = api('query', query => $expr);
    is $answer->{error}, undef, 'is understood';
    ok scalar @{ $answer->{data}{result} || [] }, 'and answered';
}

is value('sum(max by (policy_domain, outcome) (tlsrpt_sessions_total))'), 309,
    'a sum is right';

TLSRPT::Server::end_process($pid, 'TERM');

done_testing;
