#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Collecting: every answer of the table, tokens, several domains, variables.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Compress::Gzip qw(gzip);
use TLSRPT::FakeRedis;
use TLSRPT::Test;

my @many = map { "m$_.example" } 1 .. 64;
my $many = join '', map { "    tlsrpt_domain $_;\n" } @many;

my $t = servers(redis => 1, http => <<'END' . $many, server => <<'END');
    log_format tlsrpt '$status|$tlsrpt_status|$tlsrpt_domain|'
                      '$tlsrpt_report_id|$tlsrpt_organization';
    client_max_body_size 64k;
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
    tlsrpt_domain .example.net;
    tlsrpt_domain Token.Example token=demo;
    tlsrpt_domain .wild.example token=w-1_2.3~4;
    tlsrpt_domain open.wild.example;
    mta_sts_policy policy.example mode=testing max_age=1w mx=mx.policy.example;
END
        access_log %%DIR%%/access.log tlsrpt;
        location /v1/tlsrpt { tlsrpt_collect; }
        location /slash/ { tlsrpt_collect; }
        location = /exact { tlsrpt_collect; }
        location /small { tlsrpt_collect; tlsrpt_max_report_size 1k; }
        location /unlimited {
            client_max_body_size 0;
            tlsrpt_collect;
            tlsrpt_max_report_size 100k;
        }
        location /page {
            tlsrpt_collect;
            client_max_body_size 1k;
            error_page 413 /own.txt;
        }
        location = /own.txt { return 413 "own\n"; }
END

my $n = 0;

sub fresh   { return report('report-id' => 'c-' . ++$n, @_) }
sub policy  {
    my ($domain) = @_;
    return @{ report(domain => $domain)->{policies} };
}
sub domains {
    return fresh(policies => [map { policy($_) } @_]);
}

sub post {
    my ($report, %opt) = @_;

    my $path = delete $opt{path} || '/v1/tlsrpt';
    return $t->post($path, ref $report ? encode_json($report) : $report, %opt);
}

sub problem {
    my ($answer, $status, $name) = @_;

    is $answer->{status}, $status, "$name: $status";
    is $answer->{headers}{'content-type'}, 'application/problem+json',
        "$name: a problem";
    is $answer->{headers}{'cache-control'}, 'no-store', "$name: not cached";
    is $answer->{json}{status}, $status, "$name: status in the problem";
    is $answer->{json}{type}, 'about:blank', "$name: type";
    ok $answer->{json}{title}, "$name: title";
    ok $answer->{json}{detail}, "$name: detail";

    return $answer->{json};
}


# Stored, duplicate

my $report = fresh();
my $answer = post($report);
is $answer->{status}, 201, 'stored: 201';
is $answer->{headers}{'content-type'}, 'application/json', 'stored: JSON';
is $answer->{headers}{'cache-control'}, 'no-store', 'stored: not cached';
is_deeply $answer->{json}, { status => 'stored', 'report-id' => 'c-1',
    'policy-domains' => ['example.com'], warnings => [] }, 'stored: the body';
like $answer->{body},
    qr/^\{"status":.*"report-id":.*"policy-domains":.*"warnings":/,
    'stored: members in their order';

$answer = post($report);
is $answer->{status}, 200, 'duplicate: 200';
is_deeply $answer->{json}, { status => 'duplicate', 'report-id' => 'c-1',
    'policy-domains' => ['example.com'], warnings => [] },
    'duplicate: the body';

# The bytes are those that jansson would write.
$answer = post(fresh('report-id' => "\"\\/\b\f\n\r\t\x01\x1f\x7f\x{e9}\x{1f600}"));
is $answer->{body}, '{"status":"stored","report-id":"\\"\\\\/\b\f\n\r\t'
    . "\\u0001\\u001F\x7f\xc3\xa9\xf0\x9f\x98\x80"
    . '","policy-domains":["example.com"],"warnings":[]}',
    'a report-id with all that is escaped';

$answer = post(domains('example.com', 'other.example', 'policy.example'));
is $answer->{body}, '{"status":"stored","report-id":"c-' . $n . '",'
    . '"policy-domains":["example.com","policy.example"],"warnings":['
    . '{"path":"policies[1].policy.policy-domain","section":"RFC 8460 4.4",'
    . '"message":"reports for other.example are not accepted here, not '
    . 'counted"}]}', 'several domains, a warning';

$answer = post(fresh('report-id' => undef));
like $answer->{body},
    qr/^\{"status":"stored","report-id":null,.*"warnings":\[\{"path":"report-id"/,
    'no report-id';

gzip \encode_json($report) => \my $gzip;
is post($gzip)->{status}, 200, 'the same by gzip is a duplicate';

gzip \encode_json(fresh()) => \$gzip;
is post($gzip, headers => ['Content-Encoding' => 'gzip',
    'Content-Type' => 'application/tlsrpt+gzip'])->{status}, 201, 'gzip';
is post($gzip, headers => ['Content-Type' => 'text/html'])->{status}, 200,
    'Content-Type is not trusted';
gzip \encode_json(fresh()) => \$gzip;
is post($gzip, headers => ['Content-Type' => 'application/tlsrpt+json'])
    ->{status}, 201, 'gzip called JSON';

my $original = $t->redis('KEYS', '*');
cmp_ok scalar(@$original), '>', 3, 'something is in Redis';


# Methods

for my $method (qw(GET PUT DELETE PATCH OPTIONS)) {
    $answer = $t->request($method, '/v1/tlsrpt');
    problem($answer, 405, $method);
    is $answer->{headers}{allow}, 'POST', "$method: Allow";
}
$answer = $t->request('HEAD', '/v1/tlsrpt');
is $answer->{status}, 405, 'HEAD: 405';
is $answer->{headers}{allow}, 'POST', 'HEAD: Allow';
problem($t->request('PUT', '/v1/tlsrpt', body => 'x' x 1000), 405,
        'PUT with a body');


# Tokens and paths

is post(domains('token.example'), path => '/v1/tlsrpt/demo')->{status}, 201,
    'a token';
is post(domains('mx.token.example'), path => '/v1/tlsrpt/demo')->{status}, 201,
    'a token, a domain below';
is post(domains('token.example'), path => '/slash/demo')->{status}, 201,
    'a token, a location with a slash';
is post(fresh(), path => '/v1/tlsrpt/')->{status}, 201, 'a final slash';
is post(fresh(), path => '/slash/')->{status}, 201, 'a location with a slash';
is post(fresh(), path => '/exact')->{status}, 201, 'an exact location';
is post(fresh(), path => '/v1/tlsrpt?a=b')->{status}, 201, 'arguments';
is post(domains('a.wild.example'), path => '/v1/tlsrpt/w-1_2.3~4')->{status},
    201, 'all characters of a token';
is post(domains('a.wild.example'), path => '/v1/tlsrpt/%77-1_2.3~4')
    ->{status}, 201, 'a token that is escaped';

problem(post(domains('token.example')), 403, 'a token is missing');
problem(post(domains('x.wild.example')), 403, 'a token is missing below');
is post(domains('open.wild.example'))->{status}, 201,
    'a domain without a token below one with';
problem(post(domains('example.com'), path => '/v1/tlsrpt/demo'), 403,
        'the token of another domain');
problem(post(domains('nottoken.example'), path => '/v1/tlsrpt/demo'), 403,
        'a domain that only ends alike');

for my $path (qw(/v1/tlsrpt/dem /v1/tlsrpt/demoo /v1/tlsrpt/DEMO
                 /v1/tlsrpt/demo/ /v1/tlsrpt/demo/x /v1/tlsrptx
                 /slash/x /slash/demo/x))
{
    problem(post(domains('token.example'), path => $path), 404, $path);
}


# Domains

is post(domains('example.net'))->{status}, 201, '.NAME takes NAME';
is post(domains('a.b.example.net'))->{status}, 201, '.NAME takes what is below';
problem(post(domains('a.example.com')), 403, 'NAME does not');
problem(post(domains('notexample.net')), 403, '.NAME takes labels');
is post(domains('EXAMPLE.Com.'))->{json}{'policy-domains'}[0], 'example.com',
    'names are normalized';
is post(domains('policy.example'))->{status}, 201,
    'a domain whose policy is served';
like problem(post(domains('other.example')), 403, 'unknown')->{detail},
    qr/other\.example/, 'unknown: named';

$answer = post($report = domains('example.com', 'other.example', 'example.net',
                                 'token.example'));
is $answer->{status}, 201, 'some accepted: 201';
is_deeply $answer->{json}{'policy-domains'}, ['example.com', 'example.net'],
    'some accepted: which';
is_deeply [map { $_->{path} } @{ $answer->{json}{warnings} }],
    ['policies[1].policy.policy-domain', 'policies[3].policy.policy-domain'],
    'some accepted: warnings with paths';
is_deeply [map { join ' ', sort keys %$_ } @{ $answer->{json}{warnings} }],
    [('message path section') x 2], 'some accepted: as warnings are';
like $answer->{json}{warnings}[0]{message}, qr/other\.example/,
    'some accepted: the rest is named';
is post($report)->{status}, 200, 'some accepted: a duplicate';

$report = domains('example.com');
post($report);
push @{ $report->{policies} }, policy('example.net');
is post($report)->{status}, 201, 'one domain stored before, one new: stored';

$answer = post(domains(@many));
is $answer->{status}, 201, '64 domains';
is scalar @{ $answer->{json}{'policy-domains'} }, 64, 'all of them';

# A domain from elsewhere.
my $bare = fresh();
delete $bare->{policies}[0]{policy}{'policy-domain'};
is problem(post($bare), 422, 'no domain')->{path},
    'policies[0].policy.policy-domain', 'no domain: the path';
is post($bare, headers => ['TLS-Report-Domain' => 'example.com'])
    ->{json}{'policy-domains'}[0], 'example.com', 'a domain by header';
is post($bare, path => '/v1/tlsrpt/demo')->{json}{'policy-domains'}[0],
    'token.example', 'a domain by token';
is post(fresh(policies => []), headers => ['TLS-Report-Domain', 'Example.COM'])
    ->{status}, 201, 'a heartbeat';


# Sizes

like problem(post('{' . ' ' x 70_000), 413, 'client_max_body_size')->{detail},
    qr/limit/, 'with the reason';
problem($t->request('POST', '/v1/tlsrpt', chunks => [('{' . ' ' x 9_999) x 8]),
        413, 'client_max_body_size, chunked');
problem(post('{' . ' ' x 70_000, path => '/v1/tlsrpt/demo'), 413,
        'client_max_body_size, with a token');
problem(post('{' . ' ' x 70_000, path => '/exact'), 413,
        'client_max_body_size, exact location');
problem(post(fresh(x => 'x' x 1000), path => '/small'), 413,
        'tlsrpt_max_report_size');
gzip \encode_json(fresh(x => 'x' x 1000)) => \$gzip;
problem(post($gzip, path => '/small'), 413,
        'tlsrpt_max_report_size after decompression');
problem($t->request('POST', '/unlimited',
                    chunks => [('{' . ' ' x 9_999) x 11]),
        413, 'no client_max_body_size, chunked');
is post('{' . ' ' x 2000, path => '/page')->{body}, "own\n",
    'an error page of the configuration wins';


# Dates

problem(post(fresh(day => '2020-01-01')), 422, 'too old');
problem(post(fresh(day => day(3))), 422, 'in the future');


# Variables

$t->write_file('access.log', '');
kill 'USR1', $t->nginx_pid;
TLSRPT::Server::wait_until(5, sub { $t->error_log =~ /reopening logs/ });

# The line is written when the answer has left.
sub logged {
    my ($want, $name) = @_;

    my $last;
    TLSRPT::Server::wait_until(5, sub {
        $last = (split /\n/, $t->read_file('access.log'))[-1];
        return defined $last && $last eq $want;
    });
    is $last, $want, $name;

    return;
}

post(fresh('report-id' => 'v-1'));
logged('201|stored|example.com|v-1|Example Sender', 'variables: stored');
post(fresh('report-id' => 'v-1'));
logged('200|duplicate|example.com|v-1|Example Sender', 'variables: duplicate');
$report = domains('example.com', 'example.net', 'other.example');
$report->{'report-id'} = 'v-2';
post($report);
logged('201|stored|example.com,example.net|v-2|Example Sender',
       'variables: domains');
post('{}');
logged('422|rejected|-|-|-', 'variables: rejected');
$t->get('/v1/tlsrpt');
logged('405|rejected|-|-|-', 'variables: wrong method');
post('{' . ' ' x 70_000);
logged('413|rejected|-|-|-', 'variables: too large');
post(fresh('report-id' => "v\r\n\"3\"\x{1b}4", 'organization-name' => "a\tb"));
logged('201|stored|example.com|v\x0D\x0A\x223\x22\x1B4|a\x09b',
       'variables: escaped in the log');

# Every key expires, the index too, but for the list of what is due.
{
    my @keys = @{ $t->redis('KEYS', '*') };
    my @kept = grep { $_ ne 'tlsrpt:due' && $t->redis('TTL', $_) <= 0 } @keys;

    ok @keys > 5 && grep({ /:domains\z/ } @keys), 'there are keys';
    is "@kept", '', 'all of them expire';
}

# Redis away
$t->stop_redis;
TLSRPT::FakeRedis::refuse($t->redis_socket);
$answer = post(fresh('report-id' => 'v-4'));
problem($answer, 503, 'Redis away');
like $answer->{headers}{'retry-after'}, qr/^[1-9]\d*$/, 'Retry-After';
logged('503|failed|example.com|v-4|Example Sender', 'variables: failed');

done_testing;
