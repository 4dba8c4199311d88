#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# BASE/domains/D/problems: from reports by POST to what is wrong.  What is said
# of which failure is tested in t/core/problems.c.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::FakeRedis;
use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%% prefix=p;
    tlsrpt_domain .example.com;
    tlsrpt_domain example.net;
    mta_sts_policy served.example.com mode=enforce max_age=7d
                   mx=*.served.example.com;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
        location /net/ { tlsrpt_stats; tlsrpt_scope example.net; }
END

sub post {
    my ($domain, $day, $organization, $detail, %policy) = @_;

    my $report = report(domain => $domain, day => day($day),
        'organization-name' => $organization, 'report-id' => rand);
    my $policy = $report->{policies}[0];

    if ($detail) {
        $policy->{'failure-details'} = [$detail];
        $policy->{summary}{'total-failure-session-count'}
            = $detail->{'failed-session-count'};
    } else {
        delete $policy->{'failure-details'};
        $policy->{summary}{'total-failure-session-count'} = 0;
    }

    $policy->{policy}{$_} = $policy{$_} for keys %policy;
    my $answer = $t->post('/v1/tlsrpt', encode_json($report));
    $answer->{status} == 201 or die $answer->{body};

    return;
}

sub problems {
    my ($domain, $query) = @_;

    my $answer = $t->get("/tlsrpt/domains/$domain/problems"
        . ($query ? "?$query" : ''));
    $answer->{status} == 200 or die "$answer->{status} $answer->{body}";

    return $answer->{json};
}


is_deeply problems('example.com'), { domain => 'example.com',
    from => day(-29), to => today(), 'conflicting-reports' => [],
    problems => [] }, 'nothing, no problem';

post('example.com', -1, 'One', { 'result-type' => 'certificate-expired',
    'sending-mta-ip' => '192.0.2.1', 'receiving-ip' => '198.51.100.1',
    'receiving-mx-hostname' => 'mx.example.com',
    'failed-session-count' => 25 });
post('example.com', -2, 'Two');

ok TLSRPT::Server::wait_until(60, sub {
    defined problems('example.com')->{problems}[0]{id};
}), 'it is opened' or die;
my ($problem, @more) = @{ problems('example.com')->{problems} };
my %problem = %$problem;

is scalar(@more), 0, 'one problem';
like delete $problem{$_}, qr/^[A-Z].*\.$/s, "$_ is a sentence"
    for qw(meaning likely-cause fix lost-mail);
like delete $problem{id} // 'null', qr/^(?:null|[0-9a-f]{16})$/,
    'an id, once it was opened';
like $problem{steps}[0]{text}, qr/^Look at every "NotAfter"/, 'a first step';
like $problem{steps}[0]{command},
    qr/^openssl s_client -starttls smtp -connect mx\.example\.com:25 /,
    'with its command';
ok !exists $problem{steps}[1]{command}, 'not each step has one';
delete $problem{steps};
is_deeply \%problem, {
    'result-type' => 'certificate-expired', severity => 'high',
    title => 'Certificate expired: mx.example.com',
    ongoing => JSON::PP::true, 'first-day' => day(-1), 'last-day' => day(-1),
    'failed-session-count' => 25, share => 0.2, 'share-of-senders' => 0.2,
    'organization-names' => ['One'],
    contacts => [{ address => 'tlsrpt@sender.example',
                   verified => JSON::PP::false }],
    'receiving-mx-hostnames' => ['mx.example.com'],
    'sending-mta-ips' => ['192.0.2.1'], 'receiving-ips' => ['198.51.100.1'],
    'failure-reason-codes' => [], 'policy-types' => ['sts'],
    via => { https => 25, mail => 0, check => 0 }, 'signed-by' => [],
    'possible-attack' => undef,
    'by-day' => [{ day => day(-1), 'failed-session-count' => 25 }],
}, 'its members';

is_deeply problems('EXAMPLE.com.', 'to=' . day(-2))->{problems}, [],
    'the range decides';
is problems('example.com', 'from=' . day(-1))->{problems}[0]{share}, 0.2,
    'and what was before it does not count';


# The policy that is served here

my %new = ('result-type' => 'validation-failure',
           'failed-session-count' => 1);
post('served.example.com', -1, 'One', { %new,
    'receiving-mx-hostname' => 'new.served.example.com' });
my ($served) = @{ problems('served.example.com')->{problems} };
is $served->{title},
    'new.served.example.com was not in the policy that senders had',
    'the sender had another policy';
like $served->{'likely-cause'}, qr/^The policy served now covers new\.served/,
    'than is served now';
like $served->{steps}[0]{command}, qr/^dig \+short TXT _mta-sts\.served\./,
    'whose id is to be looked at';
post('served.example.com', -1, 'One', { %new, 'failed-session-count' => 2,
    'receiving-mx-hostname' => 'a.new.served.example.com' });
($served) = @{ problems('served.example.com')->{problems} };
is $served->{title}, 'a.new.served.example.com is not in the policy',
    'which does not cover all';

post('a.served.example.com', -1, 'One', \%new, 'policy-string' => []);
like problems('a.served.example.com')->{problems}[0]{'lost-mail'},
    qr/^Perhaps: the reports do not tell/, 'no policy, no mode';


# An attack, silence, and the end of silence

post('example.net', -$_, 'Steady') for 5 .. 12;
post('example.net', -$_, 'Always') for 1 .. 12;
post('example.net', -$_, 'Other') for 1 .. 12;
is_deeply [map { $_->{title} } @{ problems('example.net')->{problems} }],
    ['No more reports from Steady'], 'silence';
post('example.net', -1, 'Steady');
is_deeply problems('example.net')->{problems}, [], 'over';

post('example.net', -1, 'Last', { %new, 'failed-session-count' => 1000,
    'result-type' => 'starttls-not-supported' });
like problems('example.net')->{problems}[0]{'possible-attack'},
    qr/^Only Last failed, while 3 other senders got encryption/, 'a possible attack';


# How it is asked

my $URL = '/tlsrpt/domains/example.com/problems';

for my $query ('', 'from=' . today(), 'from=2020-01-01&to=2020-12-31',
    'to=' . day(300))
{
    is $t->get("$URL?$query")->{status}, 200, "?$query";
}

for (['by=day', 'by'], ['limit=1', 'limit'], ['cursor=x', 'cursor'],
    ['from=x', 'from'], ['to=x', 'to'], ['result-type=x', 'result-type'],
    ['from=2026-01-02&to=2026-01-01', 'from'])
{
    my ($query, $name) = @$_;
    my $answer = $t->get("$URL?$query");

    is $answer->{status}, 400, "?$query";
    is $answer->{json}{path}, $name, 'the parameter is named';
}

my $get = $t->get($URL);
my $head = $t->request('HEAD', $URL);
delete $_->{headers}{date} for $get, $head;
is_deeply $head->{headers}, $get->{headers}, 'HEAD as GET';
is $get->{headers}{'cache-control'}, 'no-store', 'not to be kept';
is $t->post($URL, 'x')->{status}, 405, 'POST';
is $t->get($URL, headers => [Accept => 'text/csv, application/json;q=0'])
     ->{status}, 406, 'there is JSON only';
is $t->get('/tlsrpt/domains/unknown.example/problems')->{status}, 404,
    'an unknown domain';
is $t->get('/net/domains/example.com/problems')->{status}, 404,
    'one out of scope';
is $t->get('/net/domains/example.net/problems')->{status}, 200,
    'one in scope';


# A day log that somebody else wrote

$t->redis('SET', 'p:{example.com}:' . day(-1), "\xff" x 1000);
is $t->get($URL)->{status}, 200, 'a broken day log';
$t->redis('DEL', 'p:{example.com}:' . day(-1));
$t->redis('HSET', 'p:{example.com}:' . day(-1), 'a', 'b');
is $t->get($URL)->{status}, 503, 'a key of another type';

$t->stop_redis;
TLSRPT::FakeRedis::refuse($t->redis_socket);
is $t->get($URL)->{status}, 503, 'without Redis';

done_testing;
