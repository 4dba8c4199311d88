#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Metrics: what they say, in a form that Prometheus takes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::State;
use TLSRPT::Test;

my $t = servers(redis => 1, workers => 2, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain a.example;
    tlsrpt_domain .b.example;
    tlsrpt_domain never.example;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

my $open = 'application/openmetrics-text; version=1.0.0';

sub metrics {
    my ($accept) = @_;

    return $t->get('/tlsrpt/metrics',
        headers => [$accept ? (Accept => $accept) : ()]);
}

sub sample {
    my ($text, $name) = @_;

    return $text =~ /^\Q$name\E (\S+)$/m ? $1 : undef;
}

sub send_report {
    my (%report) = @_;

    return $t->post('/v1/tlsrpt', encode_json(report(%report)))->{status};
}

my $failing = report(domain => 'a.example');
$failing->{policies}[0]{summary} = { 'total-successful-session-count' => 7,
    'total-failure-session-count' => 5 };
$failing->{policies}[0]{'failure-details'} = [
    { 'result-type' => 'certificate-expired', 'failed-session-count' => 3,
      'sending-mta-ip' => '192.0.2.1',
      'receiving-mx-hostname' => 'mx.a.example' },
    { 'result-type' => 'our"own\\{word}', 'failed-session-count' => 1,
      'sending-mta-ip' => '192.0.2.1',
      'receiving-mx-hostname' => 'mx.a.example' },
];

$t->redis('HSET', 'tlsrpt:mail', stored => 12, unsigned => 'x"',
          'a"b' => 1);

$t->redis('HSET', 'tlsrpt:{outbox}:counts', 'mail:delivered' => 7,
          'webhook:given-up' => 2, 'oldest:mail' => time - 1000,
          'oldest:webhook' => 0, renewed => time - 5, 'x"y:z' => 1);

my $before = time;
is $t->post('/v1/tlsrpt', encode_json($failing))->{status}, 201, 'one';
is $t->post('/v1/tlsrpt', encode_json($failing))->{status}, 200, 'again';
is send_report(domain => "x$_.b.example"), 201, "x$_" for 1 .. 3;
is $t->post('/v1/tlsrpt', '{')->{status}, 400, 'no report';

put_open($t, 'x1.b.example',
    (map { open_entry("result-$_", 'mx', 'high', 'yes') } 1 .. 2),
    open_entry('silence', 'x1.b.example', 'medium', 'no'));
put_none($t, 'a.example');
$t->redis('ZADD', 'tlsrpt:due', 9_999_999_999, "x$_.b.example") for 2, 3;
$t->redis('HSET', 'tlsrpt:{x2.b.example}', 'p', '1 2');
$t->redis('HSET', 'tlsrpt:{x3.b.example}', 'p', '7 2');
$t->redis('SET', 'tlsrpt:{x3.b.example}:problems', "1 7\nlater");

my $text = metrics()->{body};
my $is = sub {
    my ($name, $value) = @_;

    is sample($text, $name), $value, $name;
};

$is->('tlsrpt_reports_total{policy_domain="a.example"}', 1);
$is->('tlsrpt_sessions_total{policy_domain="a.example",outcome="successful"}',
    7);
$is->('tlsrpt_sessions_total{policy_domain="a.example",outcome="failed"}', 5);
$is->('tlsrpt_failed_sessions_total{policy_domain="a.example",'
    . 'result_type="certificate-expired"}', 3);
$is->('tlsrpt_failed_sessions_total{policy_domain="a.example",'
    . 'result_type="other"}', 1);
$is->('tlsrpt_failed_sessions_total{policy_domain="a.example",'
    . 'result_type="unspecified"}', 1);
$is->('tlsrpt_reports_total{policy_domain="x2.b.example"}', 1);
$is->('tlsrpt_reports_total{policy_domain="never.example"}', undef);
$is->('tlsrpt_open_problems{policy_domain="a.example",severity="high"}', 0);
$is->('tlsrpt_open_problems{policy_domain="x1.b.example",severity="high"}', 2);
$is->('tlsrpt_open_problems{policy_domain="x1.b.example",severity="medium"}',
    1);
$is->('tlsrpt_open_problems{policy_domain="x1.b.example",severity="low"}', 0);
$is->('tlsrpt_open_problems{policy_domain="x2.b.example",severity="high"}', 0);
is scalar(() = $text =~ /^tlsrpt_open_problems\{/mg), 9,
    'three for each domain; none of what a later version wrote';
$is->('tlsrpt_collect_requests_total{status="stored"}', 4);
$is->('tlsrpt_collect_requests_total{status="duplicate"}', 1);
$is->('tlsrpt_collect_requests_total{status="rejected"}', 1);
$is->('tlsrpt_collect_requests_total{status="failed"}', 0);
$is->('tlsrpt_mail_reports_total{status="stored"}', 12);
$is->(qq(tlsrpt_mail_reports_total{status="$_"}), 0)
    for qw(duplicate invalid unsigned unknown nested failed);
$is->('tlsrpt_alert_deliveries_total{kind="mail",result="delivered"}', 7);
$is->('tlsrpt_alert_deliveries_total{kind="webhook",result="given-up"}', 2);
$is->('tlsrpt_alert_deliveries_total{kind="webhook",result="failed"}', 0);
cmp_ok sample($text, 'tlsrpt_alert_oldest_waiting_seconds{kind="mail"}'), '>=',
    1000, 'how long the oldest mail waits';
$is->('tlsrpt_alert_oldest_waiting_seconds{kind="webhook"}', 0);
cmp_ok sample($text, 'tlsrpt_lease_age_seconds'), '>=', 5,
    'since when nobody delivers alerts';
(my $version = $t->read_file("@{[ $t->top ]}/VERSION")) =~ s/\n//;
like $version, qr/^\d+\.\d+\.\d+\z/, 'a version';
$is->("tlsrpt_build_info{version=\"$version\"}", 1);
is scalar(() = $t->error_log =~ m{ \[notice\] .* tlsrpt/\Q$version\E$}mg), 1,
    'the log tells it at the start';

unlike $text, qr/our|word/, 'no word of a sender';

my $last = sample($text,
    'tlsrpt_last_report_timestamp_seconds{policy_domain="a.example"}');
ok $last >= $before && $last <= time, 'when the last report came';
ok sample($text, 'tlsrpt_redis_commands_total') >= 10, 'commands of Redis';
$is->('tlsrpt_redis_failures_total', 0);

is metrics()->{headers}{'content-type'},
    'text/plain; version=0.0.4; charset=utf-8', 'the older format';
is metrics($open)->{headers}{'content-type'},
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
    'OpenMetrics';
like metrics($open)->{body}, qr/^# TYPE tlsrpt_reports counter$/m,
    'counters without _total there';
like metrics($open)->{body}, qr/\n# EOF\n\z/, 'its end';
is metrics()->{headers}{'cache-control'}, 'no-store', 'not to be kept';

# Every family's samples stand together.
{
    my ($family, %seen, @again) = '';

    for (grep { !/^#/ } split /\n/, $text) {
        my ($name) = /^(\w+)/;
        next if $name eq $family;
        push @again, $name if $seen{$name}++;
        $family = $name;
    }

    is "@again", '', 'families are whole';
}

# What checks saw, where rspamd is at work on them; of domains that nobody has
# reported on, too.
unlike $text, qr/tlsrpt_check|not_after/, 'no checks, no metrics of them';

my $now = time;
my $later = $now + 30 * 86400;

sub put_check {
    my ($domain, $at, $policy, @servers) = @_;

    my @at = (at => $at, since => $at);
    $t->redis('SET', "tlsrpt:{$domain}:check", encode_json({ v => 1, @at,
        reporting => { @at, txt => [] }, mx => { @at, error => 'servfail' },
        policy => { @at, %$policy },
        servers => [map { { @at, result => 'ok', %$_ } } @servers] }));
    return;
}

sub chain { return chain => [map { { 'not-after' => $_ } } @_] }

put_check('a.example', $now - 100, { result => 'ok', chain($later) },
    { host => 'mx.shared.example', chain($later, $later - 5) },
    { host => 'Mx2.a.example', result => 'unreachable' });
put_check('never.example', $now - 7000, { result => 'expired', chain($now) },
    { host => 'mx.shared.example', chain($later + 9) },
    { host => 'x"} 1', chain($later) }, { host => 'y', result => 'a"b' });
put_check('x1.b.example', $now - 9 * 86400, { result => 'ok', chain(1) });
$t->redis('SET', 'tlsrpt:{x2.b.example}:check', '{"v":1,');
$t->redis('SET', 'tlsrpt:{checks}:seen', $now);
$text = metrics()->{body};
cmp_ok sample($text, 'tlsrpt_check_age_seconds'), '>=', 9 * 86400,
    'how old the oldest check is';
$is->('tlsrpt_check_results{kind="record",result="ok"}', 2);
$is->('tlsrpt_check_results{kind="record",result="failed"}', 2);
$is->('tlsrpt_check_results{kind="policy",result="ok"}', 1);
$is->('tlsrpt_check_results{kind="policy",result="expired"}', 1);
$is->('tlsrpt_check_results{kind="policy",result="timeout"}', 0);
$is->('tlsrpt_check_results{kind="server",result="unreachable"}', 1);
$is->('tlsrpt_check_results{kind="server",result="other"}', 1);
is_deeply [sort $text =~ /^tlsrpt_certificate_not_after_seconds(.*)/mg], [
    qq({host="mta-sts.a.example"} $later),
    qq({host="mta-sts.never.example"} $now),
    '{host="mx.shared.example"} ' . ($later - 5),
], 'when certificates end: each host once, the first of its chain';

# A reload keeps what workers counted.
$t->reload;
$text = metrics()->{body};
$is->('tlsrpt_collect_requests_total{status="stored"}', 4);

$t->write_file('metrics', $text);
is `promtool check metrics < @{[ $t->dir ]}/metrics 2>&1`, '',
    'promtool has nothing to say';

done_testing;
