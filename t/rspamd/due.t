# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# When the problems of a domain are to be worked out, after a report by mail:
# PREFIX:due, in Redis.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 1);
my $rspamd = TLSRPT::Rspamd->new(
    server  => $server,
    signers => ['sender.example'],
    tlsrpt  => 'domains = ["example.com", "example.org", ".example.net"];',
)->start;

sub clean {
    my ($domain, %members) = @_;

    my $report = report(domain => $domain, %members);
    my $policy = $report->{policies}[0];
    $policy->{summary}{'total-failure-session-count'} = 0;
    delete $policy->{'failure-details'};

    return $report;
}

sub symbols {
    my ($report) = @_;

    return $rspamd->scan(signed(report_mail($report), 'sender.example'))
        ->{symbols};
}

# Seconds from now, about; undef: it is not in the list.
sub due {
    my ($domain) = @_;

    my $at = $server->redis('ZSCORE', 'tlsrpt:due', $domain);

    return defined $at ? $at - time : undef;
}

sub is_due {
    my ($domain, $in, $name) = @_;

    my $due = due($domain) // 'none';
    ok $due ne 'none' && $due > $in - 60 && $due <= $in + 1, $name
        or diag "due in $due s";

    return;
}

ok symbols(clean('example.com'))->{TLSRPT_REPORT}, 'a report without failures';
is_due 'example.com', 86_400, 'the first of a day: looked at tomorrow';

$server->redis('ZADD', 'tlsrpt:due', time + 200_000, 'example.com');
ok symbols(clean('example.com', 'report-id' => 'second'))->{TLSRPT_REPORT},
    'another one';
cmp_ok due('example.com'), '>', 190_000, 'changes nothing';

$server->redis('HSET', 'tlsrpt:{example.com}', 'p', '1 2');
ok symbols(clean('example.com', 'report-id' => 'third'))->{TLSRPT_REPORT},
    'one of a domain with open problems';
is_due 'example.com', 5, 'is looked at soon, as it may end them';

$server->redis('ZADD', 'tlsrpt:due', time + 200_000, 'example.com');
ok symbols(clean('example.com', 'report-id' => 'third'))->{TLSRPT_DUPLICATE},
    'once more';
cmp_ok due('example.com'), '>', 190_000, 'is nothing new';

ok symbols(report(domain => 'example.org'))->{TLSRPT_REPORT}, 'failures';
is_due 'example.org', 5, 'are looked at soon';

# Below .example.net

ok symbols(clean('a.example.net'))->{TLSRPT_REPORT}, 'a subdomain';
is_due 'a.example.net', 86_400, 'its first report';
ok symbols(report(domain => 'b.example.net'))->{TLSRPT_REPORT},
    'another, with failures';
is_due 'b.example.net', 5, 'is looked at soon';

# What is announced, and not stored

$server->redis('DEL', 'tlsrpt:due');
my $month = sprintf 'tlsrpt:{example.org}:%s', substr report()->{'date-range'}
    {'start-datetime'}, 0, 7;
$server->redis('DEL', $month);
$server->redis('SET', $month, 'wrong');
ok symbols(report(domain => 'example.org', 'report-id' => 'wrong'))
    ->{TLSRPT_FAIL}, 'a report that cannot be stored';
is_due 'example.org', 5, 'was announced before';
$server->redis('DEL', $month);

# What cannot be announced is stored

$server->redis('DEL', 'tlsrpt:due');
$server->redis('SET', 'tlsrpt:due', 'wrong');
ok symbols(report(domain => 'example.org', 'report-id' => 'right'))
    ->{TLSRPT_REPORT}, 'a list that is none stops no report';
ok $rspamd->logged(qr/tlsrpt: problems: Redis, EVAL: /), 'which is told';

is $rspamd->stop, '', 'nothing bad in the log';
done_testing;
