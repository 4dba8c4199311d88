#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The reading API: which URL is what, how it is asked, and how it answers.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%% prefix=p;
    tlsrpt_domain example.com;
    tlsrpt_domain .example.net;
    tlsrpt_domain xn--bcher-kva.example;
    mta_sts_policy policy.example mode=none max_age=1d;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
        location /bare { tlsrpt_stats; }
        location /zipped/ {
            tlsrpt_stats;
            gzip on;
            gzip_min_length 1;
            gzip_types text/csv;
        }
        location / { return 200 "elsewhere"; }
END

is $t->post('/v1/tlsrpt', encode_json(report()))->{status}, 201, 'a report';
is $t->post('/v1/tlsrpt', encode_json(report(domain => 'a.b.example.net')))
     ->{status}, 201, 'another';

my $URL = '/tlsrpt/domains/example.com';

sub status { return $t->get(@_)->{status} }


# The whole of it

my $answer = $t->get("$URL?by=result-type");

is $answer->{status}, 200, 'a domain';
is_deeply $answer->{json}, {
    domain => 'example.com', from => day(-29), to => today(), reports => 1,
    'total-successful-session-count' => 100,
    'total-failure-session-count' => 3, by => ['result-type'],
    groups => [{ 'result-type' => 'certificate-expired',
                 'failed-session-count' => 3 }],
}, 'its statistics';

my %HEADERS = (
    'content-type' => 'application/json; charset=utf-8',
    'cache-control' => 'no-store', 'vary' => 'Accept',
    'x-content-type-options' => 'nosniff',
);

sub has_headers {
    my ($answer, $name, %other) = @_;

    my %want = (%HEADERS, %other);
    my %have = map { $_ => $answer->{headers}{$_} } keys %want;

    return is_deeply \%have, \%want, $name;
}

has_headers($answer, 'headers');
is $answer->{headers}{'content-length'}, length $answer->{body}, 'length';

is $t->get('/zipped/domains/example.com', headers => [
    Accept => 'text/csv', 'Accept-Encoding' => 'gzip'
])->{headers}{'content-encoding'}, 'gzip', 'it can be compressed';


# HEAD

for my $path ("$URL?by=result-type", '/tlsrpt/domains') {
    my $get = $t->get($path);
    my $head = $t->request('HEAD', $path);
    delete $_->{headers}{date} for $get, $head;

    is_deeply $head->{headers}, $get->{headers}, "HEAD $path as GET";
    cmp_ok $head->{headers}{'content-length'}, '>', 0, 'its length is known';
}

my $socket = $t->connection;
print $socket "HEAD $URL HTTP/1.1\r\nHost: localhost\r\n"
    . "Connection: close\r\n\r\n";
$socket->flush;
my $raw = do { local $/; <$socket> };
like $raw, qr/^HTTP\/1.1 200 OK\r\n.*\r\n\r\n\z/s, 'HEAD has no body';


# URLs

for my $path (qw(
    /tlsrpt/domains/EXAMPLE.Com /tlsrpt/domains/example.com.
    /tlsrpt/domains/example.com/ /tlsrpt//domains///example.com
    /tlsrpt/./domains/x/../example.com /tlsrpt/domains/ex%61mple%2ecom
    /tlsrpt/domains/xn--bcher-kva.example
    /tlsrpt/domains/b%C3%BCcher.example /tlsrpt/domains/B%C3%9CCHER.example
    /tlsrpt/domains/example.net /tlsrpt/domains/a.b.example.net
    /tlsrpt/domains/policy.example
    /tlsrpt/domains /tlsrpt/domains/ /bare/domains /bare/domains/example.com
))
{
    is status($path), 200, "GET $path";
}

is $t->get('/tlsrpt/domains/b%C3%BCcher.example')->{json}{domain},
    'xn--bcher-kva.example', 'the A-label is answered';
is $t->get('/tlsrpt/domains/B.example.net')->{json}{reports}, 0,
    'a subdomain that is accepted is known';

for my $path (qw(
    /tlsrpt/domain /tlsrpt/domainsx /tlsrpt/Domains
    /tlsrpt/domains/example.com/nothing /tlsrpt/domains/example.com//x/y
    /tlsrpt/domains/unknown.example /tlsrpt/domains/www.example.com
    /tlsrpt/domains/com /tlsrpt/domains/- /tlsrpt/domains/a..b
    /tlsrpt/domains/%20 /tlsrpt/domains/%ff%fe
    /tlsrpt/domains/example.com%2Fx /baredomains /bared/domains
), '/tlsrpt/domains/' . 'a.' x 127 . 'a', '/tlsrpt/domains/' . 'a' x 3000)
{
    my $answer = $t->get($path);
    my $name = substr $path, 0, 50;

    is $answer->{status}, 404, "GET $name";
    has_headers($answer, 'a problem',
                'content-type' => 'application/problem+json');
}

is status('/tlsrpt/domains/example.com%00'), 400, 'NUL is for nginx to refuse';


# Methods

for my $method (qw(POST PUT DELETE OPTIONS PATCH)) {
    my $answer = $t->request($method, $URL, body => 'x' x 10000);
    is $answer->{status}, 405, $method;
    is $answer->{headers}{allow}, 'GET, HEAD', 'what is allowed is said';
}

is status($URL, body => 'x' x 100_000), 200, 'a body of GET is passed over';


# Parameters

my $day = today();

for my $query ("from=$day&to=$day", "from=$day", "to=$day", '&&', '', 'by=',
    "by=day&day=$day", 'by=day%2Cvia', 'organization%2Dname=Google+Inc%2E',
    'organization-name=', 'sending-mta-ip=2001:db8::1', 'via=mail',
    'receiving-mx-hostname=MX.Example.COM.', 'receiving-ip=',
    'organization-name=%F0%9F%98%80', 'from=2020-02-29&to=2020-02-29')
{
    is status("$URL?$query"), 200, "?$query";
}

for (['unknown=1', 'unknown'], ['From=2026-01-01', 'From'], ['x', 'x'],
    ['from=2026-02-30', 'from'], ['from=yesterday', 'from'], ['from=', 'from'],
    ['to=2026-1-1', 'to'], ['from=2026-01-02&to=2026-01-01', 'from'],
    ['from=2026-01-02&from=2026-01-02', 'from'], ['to=99999-01-01', 'to'],
    ['by=day&by=day', 'by'], ['by=nothing', 'by'], ['by=day,,via', 'by'],
    ['by=day,day', 'by'], ['by=Day', 'by'], ['by=%zz', 'by'], ['by=%6', 'by'],
    ['day=never', 'day'], ['via=pigeon', 'via'],
    ['via=mail&via=https', 'via'], ['v%69a=mail&via=https', 'via'],
    ['sending-mta-ip=1.2.3', 'sending-mta-ip'],
    ['organization-name=%ff', 'organization-name'],
    ['organization-name=a%00b', 'organization-name'],
    ['organization-name=%ED%A0%80', 'organization-name'],
    ['failure-reason-code=' . 'x' x 2000, 'failure-reason-code'],
    ['limit=1', 'limit'], ['cursor=a', 'cursor'])
{
    my ($query, $name) = @$_;
    my $answer = $t->get("$URL?$query");
    my $short = substr $query, 0, 50;

    is $answer->{status}, 400, "?$short";
    is $answer->{json}{path}, $name, 'the parameter is named';
    cmp_ok length($answer->{json}{detail} || ''), '>', 0, 'with a reason';
}

like $t->get("$URL?organization-name=$_")->{json}{detail},
     qr/two hex digits/, "?$_: a half escape is told as one"
    for '%', '%4', '%4g', 'a%';
is status("$URL?" . ('x' x 5000)), 400, 'a very long name';
is status("$URL?" . join '&', map { "x$_=1" } 1 .. 1000), 400, 'many names';
is status("$URL?%FF=1"), 400, 'a name that is no text';

for my $query ('by=via', 'by=day,via', 'status=x', 'via=mail', 'limit=0',
    'limit=1001', 'limit=-1', 'limit=x', 'limit=', 'cursor=', 'cursor=A', 'cursor=a..b', 'cursor=%00',
    'limit=1&limit=1', 'from=2026-01-02&to=2026-01-01')
{
    is status("/tlsrpt/domains?$query"), 400, "domains?$query";
}

is status("/tlsrpt/domains?from=$day&to=$day&limit=1000&cursor=a"), 200,
    'all that the list takes';


# Accept

sub type_of {
    my ($accept, $path) = @_;

    my $answer = $t->get($path || "$URL?by=day", headers => [
        map { (Accept => $_) } ref $accept ? @$accept : $accept
    ]);

    return $answer->{status} if $answer->{status} != 200;
    return $answer->{headers}{'content-type'} =~ m{^(\S+); charset=utf-8$}
        ? $1 : $answer->{headers}{'content-type'};
}

my ($json, $csv) = ('application/json', 'text/csv');

for (['*/*', $json], ['text/csv', $csv], ['TEXT/CSV', $csv], ['text/*', $csv],
    ['application/json', $json], ['text/csv, application/json', $json],
    ['text/csv, application/json;q=0.9', $csv], ['text/csv;q=0.5, */*', $json],
    ['text/csv, */*', $csv], ['text/csv;q=0, */*', $json],
    ['text/csv; charset=utf-8; header=present', $csv],
    ['text/csv;q=0.2, application/json ; Q=0.1', $csv],
    ['text/csv;x="a,b;q=0";q=1', $csv], ['text/csv;q=2, */*;q=0.5', $csv],
    ['*/*;q=0.5, text/csv;q=0.4', $json], ['text/csv,*/*;q=0', $csv],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', $json],
    [['text/html', 'text/csv'], $csv],
    # what fits nothing gets JSON, unless that is refused
    ['text/html', $json], ['', $json], [',;q=,', $json], ['csv', $json],
    ['application/json;q=0', 406], ['*/*;q=0', 406], ['*/*;q=0.000', 406],
    ['application/json;q=0, text/csv;q=0', 406], ['application/*;q=0', 406])
{
    my ($accept, $type) = @$_;
    my $name = ref $accept ? join ' + ', @$accept : $accept;

    is type_of($accept), $type, "Accept: $name";
}

is type_of('text/csv', "$URL/problems"), $json,
    'there are no problems in CSV';
is type_of('*/*;q=0', '/tlsrpt/domains'), 406, 'and it can be refused';


# CSV

sub csv {
    my ($query) = @_;

    return $t->get("$URL?$query", headers => [Accept => 'text/csv']);
}

$answer = csv('by=day,organization-name');
has_headers($answer, 'headers of CSV',
            'content-type' => 'text/csv; charset=utf-8');
is $answer->{body}, join("\r\n",
    'day,organization-name,reports,total-successful-session-count,'
    . 'total-failure-session-count', '"' . day(-1)
    . '","Example Sender",1,100,3', ''),
    'CSV';
is csv('by=failure-reason-code')->{body},
    "failure-reason-code,failed-session-count\r\n,3\r\n", 'null is empty';

my $head = $t->request('HEAD', "$URL?by=day",
                       headers => [Accept => 'text/csv']);
is $head->{headers}{'content-length'}, length csv('by=day')->{body},
    'HEAD of CSV';

is csv('by=via&sending-mta-ip=203.0.113.99')->{body},
    "via,failed-session-count\r\n", 'nothing matches';
is_deeply [@{ $t->get("$URL?sending-mta-ip=203.0.113.99")->{json} }
           {map { "$_-session-count" } qw(total-successful total-failure)},
           $t->get("$URL?sending-mta-ip=203.0.113.99")->{json}{reports}],
    [undef, undef, 0], 'totals that details cannot filter are null';

my %bad = (1 => '=1+1', 2 => "+a,b", 3 => '-"x"', 4 => '@sum', 5 => '=a;b',
           6 => "'quoted", 7 => 'plain', 8 => "two\nlines");

for my $n (keys %bad) {
    my $report = report('report-id' => $n, 'organization-name' => $bad{$n});
    is $t->post('/v1/tlsrpt', encode_json($report))->{status}, 201, $bad{$n};
}

like csv('by=organization-name')->{body}, qr/^\Q$_\E,1,100,3\r$/m,
    "$_ is no formula"
    for map { "\"$_\"" } "'=1+1", "'+a,b", "'-\"\"x\"\"", "'\@sum", "'=a;b",
        "'quoted", 'plain', 'twolines';


# The resource is what follows the location, so that must be a path.
for my $location ('~ ^/tlsrpt', '@tlsrpt') {
    my ($good, $said) = $t->nginx_test(server =>
        "location $location { tlsrpt_stats; }");
    ok !$good, "not in location $location";
    like $said, qr/"tlsrpt_stats" .*needs a location given by its path/,
        'the reason';
}


# Keep-alive: one request after the other on a connection.
$socket = $t->connection;
print $socket join '', map {
    "GET $URL?by=$_ HTTP/1.1\r\nHost: localhost\r\n\r\n"
} qw(day via result-type);
$socket->flush;
is_deeply [map { TLSRPT::Server::read_answer($socket)->{json}{by}[0] } 1 .. 3],
    [qw(day via result-type)], 'requests in a row';

done_testing;
