#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# POST BASE/tools/report: reads a report, and stores nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Compress::Gzip qw(gzip);

use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ {
            tlsrpt_stats;
            tlsrpt_max_report_size 100k;
            client_max_body_size 200k;
            client_body_buffer_size 1k;
        }
        location /none/ { tlsrpt_stats; tlsrpt_scope ''; }
END

my $URL = '/tlsrpt/tools/report';

sub post { return $t->post($URL, @_) }

sub gzipped {
    my ($text) = @_;

    gzip(\$text, \my $bytes) or die;

    return $bytes;
}

my $body = encode_json(report(domain => 'elsewhere.example'));


# JSON

my $answer = post($body);
is $answer->{status}, 200, 'a report, of any domain';
is $answer->{headers}{'content-type'}, 'application/json; charset=utf-8',
    'JSON';
is $answer->{headers}{'cache-control'}, 'no-store', 'not to be kept';
is_deeply [sort keys %{ $answer->{json} }], [sort qw(organization-name
    report-id contact-info start-datetime end-datetime size policies
    warnings)], 'its members';
is $answer->{json}{size}, length $body, 'its size';
is $answer->{json}{policies}[0]{'policy-domain'}, 'elsewhere.example',
    'its policies';
is_deeply $t->redis('KEYS', '*'), [], 'nothing is stored';

my $two = report();
push @{ $two->{policies} }, report(domain => 'b.example')->{policies}[0];
$two->{policies}[1]{summary}{'total-failure-session-count'} = '3';
$two = encode_json($two);
is scalar(@{ post($two)->{json}{policies} }), 2, 'the policies of all domains';
is_deeply [map { $_->{path} } @{ post($two)->{json}{warnings} }],
    ['policies[1].summary.total-failure-session-count'], 'and the warnings';

is_deeply post(gzipped($body))->{json}{policies}, $answer->{json}{policies},
    'gzip';
is $t->request('POST', $URL, chunks => [map { "$_" } $body =~ /(.{1,100})/gs])
     ->{status}, 200, 'in chunks';
is $t->post('/none/tools/report', $body)->{status}, 200,
    'it shows nobody\'s data';


# Text

my $text = post(gzipped($body), headers => [Accept => 'text/plain']);
is $text->{status}, 200, 'as text';
is $text->{headers}{'content-type'}, 'text/plain; charset=utf-8', 'its type';
like $text->{body}, qr/^Mail to elsewhere\.example$/m, 'the page';
unlike $text->{body}, qr/^Received:/m, 'it never came';
like post($two, headers => [Accept => 'text/plain'])->{body},
    qr/^How this report deviates.*policies\[1\]\.summary/ms, 'deviations';

my $hostile = report('organization-name' => "A\nFrom: B\e[2J\x{85}C\t%s%n",
    'report-id' => 'x' x 200);
$hostile->{policies}[0]{'failure-details'}[0]{'failure-reason-code'}
    = "x\r\n\r\nMail to evil.example\n---";
$text = post(encode_json($hostile), headers => [Accept => 'text/plain'])
    ->{body};
like $text, qr/^From: +A\\u000AFrom: B\\u001B\[2J\\u0085C\\u0009%s%n$/m,
    'what breaks lines does not';
unlike $text, qr/^Mail to evil/m, 'no line of its own';
unlike $text, qr/[^\n\x20-\x7e\x80-\xff]/, 'no control characters';


# What is wrong is a problem

for ([400, '', 'empty'], [400, 'no report', 'neither'],
    [400, '{"a":1', 'cut short'], [400, substr(gzipped($body), 0, 40), 'gzip'],
    [422, '{}', 'missing'], [422, '{"organization-name":[]}', ''],
    [400, "{\n  \"report-id\": tru\n}", 'JSON'])
{
    my ($status, $bad, $piece) = @$_;
    my $answer = post($bad);
    my $name = substr $bad =~ s/[^ -~]/./gr, 0, 30;

    is $answer->{status}, $status, "\"$name\"";
    is $answer->{headers}{'content-type'}, 'application/problem+json',
        'a problem';
    like $answer->{json}{detail}, qr/\Q$piece\E/, 'the reason';
}

is post("{\n  \"report-id\": tru\n}")->{json}{line}, 2, 'the line';
cmp_ok post("{\n  \"report-id\": tru\n}")->{json}{column}, '>', 10,
    'the column';

my $counted = report();
$counted->{policies}[0]{summary}{'total-failure-session-count'} = -1;
is post(encode_json($counted))->{json}{path},
    'policies[0].summary.total-failure-session-count', 'the path';

# over one limit, the other, and after decompression
for (['x' x 150_000, 'tlsrpt_max_report_size'],
    ['x' x 250_000, 'client_max_body_size'],
    [gzipped(' ' x 150_000 . $body), 'the text'])
{
    my ($large, $limit) = @$_;
    my $answer = post($large);

    is $answer->{status}, 413, "over the limit: $limit";
    is $answer->{headers}{'content-type'}, 'application/problem+json',
        'a problem';
    cmp_ok length($answer->{json}{detail} || ''), '>', 10, 'with a reason';
}

is $t->request('POST', $URL, chunks => [('x' x 50_000) x 3])->{status}, 413,
    'in chunks';
is $t->request('POST', $URL, chunks => [('x' x 50_000) x 5])->{status}, 413,
    'in chunks, over the other';
is $t->post("$URL?x=1", $body)->{status}, 400, 'it takes no parameters';
is post($body, headers => [Accept => '*/*;q=0'])->{status}, 406, 'Accept';

for my $method (qw(GET HEAD PUT DELETE)) {
    my $answer = $t->request($method, $URL);
    is $answer->{status}, 405, $method;
    is $answer->{headers}{allow}, 'POST', 'what is allowed';
}


# A body that nobody reads is no next request, and one that is read neither.
my $socket = $t->connection;
for my $path ('/tlsrpt/domains', $URL, '/tlsrpt/nothing') {
    print $socket "POST $path HTTP/1.1\r\nHost: localhost\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}
print $socket "GET /tlsrpt/domains HTTP/1.1\r\nHost: localhost\r\n\r\n";
$socket->flush;
is_deeply [map { TLSRPT::Server::read_answer($socket)->{status} } 1 .. 4],
    [405, 200, 404, 200], 'requests in a row';


# Collecting and this share the worker's reader.
is $t->post('/v1/tlsrpt', encode_json(report()))->{status}, 201, 'collecting';
is post($body)->{status}, 200, 'reading';
is $t->post('/v1/tlsrpt', encode_json(report()))->{status}, 200,
    'collecting again';

$t->stop_redis;
is post($body)->{status}, 200, 'Redis is not needed';

done_testing;
