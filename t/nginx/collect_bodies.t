#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Bodies nobody wants: each is refused with its place and reason, and the
# worker is none the bigger for it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Compress::Zlib ();
use IO::Compress::Gzip qw(gzip);
use TLSRPT::Test;

my %conf = (redis => 1, http => <<'END', server => <<'END');
    client_max_body_size 12m;
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
END
        location /v1/tlsrpt { tlsrpt_collect; }
END

my $port2 = TLSRPT::Server::free_port();
my $t = servers(%conf, server =>
    "listen 127.0.0.1:$port2 http2;\n$conf{server}");

sub zip  { my ($text) = @_; gzip \$text => \my $zip; return $zip }
sub json { return encode_json(report(@_)) }

# JSON with a piece replaced.
sub with {
    my ($from, $to) = @_;

    my $json = json();
    $json =~ s/$from/$to/ or die "no $from";

    return $json;
}

# 100 MB from 100 kB, made without holding it.
sub bomb {
    my ($d) = Compress::Zlib::deflateInit(-WindowBits => 31, -Level => 9);
    my $zip = $d->deflate('{"x":[' . '"x",' x 1000);
    $zip .= $d->deflate(' ' x 1_000_000) for 1 .. 100;

    return $zip . $d->flush;
}

my $LINES = join "\n", '{', '  "organization-name": "a",', '  "x": tru', '}';

# name => [body, status, the members that say where, detail]
my %body = (
    'empty'            => ['', 400, { offset => 0 }, qr/empty/],
    'white space'      => [" \r\n\t ", 400, {}, qr/empty/],
    'a word'           => ['hello', 400, { offset => 0 }, qr/neither/],
    'HTML'             => ['<html></html>', 400, { offset => 0 }, qr/neither/],
    'an array'         => ['[]', 400, { offset => 0 }, qr/neither/],
    'a zip archive'    => ["PK\3\4" . 'x' x 100, 400, {}, qr/zip/],
    'gzip, truncated'  => [substr(zip(json()), 0, -12), 400, {}, qr/cut short/],
    'gzip, no trailer' => [substr(zip(json()), 0, -8), 400, {}, qr/cut short/],
    'gzip, a header only' => ["\x1f\x8b\x08", 400, {}, qr/cut short/],
    'gzip, bad data'   => [substr(zip(json()), 0, 30) . "\xff" x 100, 400, {},
                           qr/gzip/],
    'gzip, bad checksum' => [substr(zip(json()), 0, -8) . "\0" x 8, 400, {},
                             qr/gzip/],
    'gzip of nothing'  => [zip(''), 400, {}, qr/empty/],
    'gzip thrice'      => [zip(zip(zip(json()))), 400, {}, qr/within/],
    'a bomb'           => [bomb(), 413, {}, qr/limit/],
    'a bomb twice'     => [zip(bomb()), 413, {}, qr/limit/],
    'cut short'        => [substr(json(), 0, 100), 400, { line => 1 },
                           qr/cut short/],
    'not JSON'         => [$LINES, 400, { line => 3, column => 11 }, qr/JSON/],
    'two documents'    => [json() . json(), 400, { line => 1 }, qr/JSON/],
    'invalid UTF-8'    => [with('Example Sender', "Ex\xffample"), 400,
                           { line => 1 }, qr/UTF-8/],
    'overlong UTF-8'   => [with('Example Sender', "Ex\xc0\xafample"), 400, {},
                           qr/UTF-8/],
    'a NUL'            => [with('Example Sender', 'a\\u0000b'), 400, {},
                           qr/NUL/],
    'an unpaired surrogate' => [with('Example Sender', 'a\\ud800b'), 400, {},
                                qr/surrogate/],
    'a key twice'      => [with('"report-id"', '"report-id":"a","report-id"'),
                           400, { line => 1 }, qr/twice/],
    '10,000 levels'    => ['{"x":' . '[' x 10_000 . ']' x 10_000 . '}', 422, {},
                           qr/deep/],
    'a million keys'   => ['{' . join(',', map { "\"$_\":1" } 1 .. 600_000)
                           . '}', 422, {}, qr/too many/],
    'a bomb of one string' => [zip('{"x":"' . 'x' x 5_000_000), 422, {},
                               qr/too long/],
    'a long string'    => ['{"x":"' . 'x' x 1_000_000 . '"}', 422, {},
                           qr/too long/],
    'a number of 400 digits' => [
        with('(?<=successful-session-count":)100', '9' x 400), 422,
        { path => 'policies[0].summary.total-successful-session-count' },
        qr/count/],
    'a count of -1'    => [
        with('(?<=failure-session-count":)3', -1), 422,
        { path => 'policies[0].summary.total-failure-session-count' },
        qr/count/],
    'a fraction'       => [
        with('(?<=failed-session-count":)3', '1.5'), 422,
        { path => 'policies[0].failure-details[0].failed-session-count' },
        qr/count/],
    'a count over 2^53' => [
        with('(?<=successful-session-count":)100', '9007199254740992'), 422,
        { path => 'policies[0].summary.total-successful-session-count' },
        qr/count/],
    '32 January'       => [
        with('(?<=start-datetime":")\d{4}-\d\d-\d\d', '2026-01-32'), 422,
        { path => 'date-range.start-datetime' }, qr/date-time/],
    'no date-range'    => [with('"date-range"', '"date-rang"'), 422,
                           { path => 'date-range' }, qr/missing/],
    'an empty object'  => ['{}', 422, {}, qr/missing/],
    'policies a string' => [json(policies => 'x'), 422, { path => 'policies' },
                            qr/type/],
    '11 MB'            => ['{"x":[' . '"' . 'x' x 1000 . '",' x 1 . '"'
                           . ('y' x 50_000 . '","') x 220 . '"]}', 413, {},
                           qr/limit/],
    '13 MB'            => ['{' . ' ' x 13_000_000, 413, {}, qr/limit/],
);

sub check {
    my ($name, $answer) = @_;

    my (undef, $status, $where, $detail) = @{ $body{$name} };
    is $answer->{status}, $status, "$name: $status";
    is $answer->{headers}{'content-type'}, 'application/problem+json',
        "$name: a problem";
    like $answer->{json}{detail}, $detail, "$name: detail";
    is $answer->{json}{$_}, $where->{$_}, "$name: $_" for sort keys %$where;
    diag "$name: $answer->{status} $answer->{body}" if $ENV{TLSRPT_SHOW};

    return;
}

sub all_bodies {
    my ($server) = @_;

    return map { [$_, $server->post('/v1/tlsrpt', $body{$_}[0])] }
        sort keys %body;
}

check(@$_) for all_bodies($t);

# The same in small chunks, the limit of nginx included.
for my $name (grep { length $body{$_}[0] < 200_000 } sort keys %body) {
    my @chunks = $body{$name}[0] =~ /(.{1,777})/gs;
    check($name, $t->request('POST', '/v1/tlsrpt', chunks => \@chunks));
}
is $t->request('POST', '/v1/tlsrpt', chunks => [('{' . ' ' x 99_999) x 130])
    ->{status}, 413, 'chunked over client_max_body_size';


# Uploads

my $good = json('report-id' => 'chunked');
is $t->request('POST', '/v1/tlsrpt', chunks => [$good =~ /(.{1,10})/gs])
    ->{status}, 201, 'chunked upload';

$good = json('report-id' => 'slow');
is $t->request('POST', '/v1/tlsrpt', chunks => [$good =~ /(.{1,100})/gs],
               delay => 0.01)->{status}, 201, 'slow upload';

$good = json('report-id' => 'large', x => [map { 'x' x 1000 } 1 .. 5000]);
is $t->post('/v1/tlsrpt', $good)->{status}, 201, '5 MB by way of a file';
is $t->request('POST', '/v1/tlsrpt', chunks => [$good =~ /(.{1,60000})/gs])
    ->{status}, 200, 'and again in chunks';

for my $size (10, 300) {
    $t->raw(["POST /v1/tlsrpt HTTP/1.1\r\nHost: localhost\r\n"
             . "Content-Length: 1000\r\n\r\n" . substr($good, 0, $size)],
            cut => 1);
}
$t->raw(["POST /v1/tlsrpt HTTP/1.1\r\nHost: localhost\r\n"
         . "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":"], cut => 1);
is $t->post('/v1/tlsrpt', $good)->{status}, 200, 'after uploads that were cut';

my $socket = $t->connection;
$good = json('report-id' => 'gone');
print $socket "POST /v1/tlsrpt HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
    . length($good) . "\r\n\r\n$good";
close $socket;
ok TLSRPT::Server::wait_until(5, sub {
    $t->post('/v1/tlsrpt', $good)->{status} == 200
}), 'a client that goes after its upload: counted';

# Expect: the body is asked for, or refused before it is sent.
sub expect {
    my ($length) = @_;

    my $socket = $t->connection;
    print $socket "POST /v1/tlsrpt HTTP/1.1\r\nHost: localhost\r\n"
        . "Connection: close\r\nExpect: 100-continue\r\n"
        . "Content-Length: $length\r\n\r\n";
    $socket->flush;

    return $socket;
}

$good = json('report-id' => 'expect');
$socket = expect(length $good);
is scalar(<$socket>), "HTTP/1.1 100 Continue\r\n", 'Expect: 100';
<$socket>;
print $socket $good;
$socket->flush;
is TLSRPT::Server::read_answer($socket)->{status}, 201, 'Expect: 201';

my $answer = TLSRPT::Server::read_answer(expect(99_000_000));
is $answer->{status}, 413, 'Expect, too large: 413';
is $answer->{continues}, 0, 'Expect, too large: no 100';
$answer = TLSRPT::Server::read_answer(expect(11_000_000));
is $answer->{status}, 413, 'Expect, a too large report: 413';
is $answer->{continues}, 0, 'Expect, a too large report: no 100';

# HTTP/2
sub http2 {
    my ($path, $body, @more) = @_;

    my $file = $t->write_file('http2.body', $body);
    open my $fh, '-|', 'curl', '-sS', '--http2-prior-knowledge', '-o',
        $t->dir . '/http2.out', '-w', '%{http_version} %{http_code}',
        '--data-binary', "\@$file", @more,
        "http://127.0.0.1:$port2$path" or die "curl: $!";
    local $/;

    return scalar <$fh>;
}

is http2('/v1/tlsrpt', json('report-id' => 'h2')), '2 201', 'HTTP/2';
is http2('/v1/tlsrpt', zip(json('report-id' => 'h2'))), '2 200',
    'HTTP/2: a duplicate';
is http2('/v1/tlsrpt', '{"x":'), '2 400', 'HTTP/2: 400';
is http2('/v1/tlsrpt', '{}'), '2 422', 'HTTP/2: 422';
like $t->read_file('http2.out'), qr/^\{"type":"about:blank"/,
    'HTTP/2: a problem';
is http2('/v1/tlsrpt', json('report-id' => 'h2-large',
                            x => [map { 'x' x 1000 } 1 .. 5000])),
    '2 201', 'HTTP/2: 5 MB';


# Memory: a worker that has seen it all is no bigger than after the first time.

delete local $ENV{TLSRPT_MODULE};
my $plain = servers(%conf, sanitize => 0,
    $ENV{TLSRPT_PLAIN_MODULE} ? (module => $ENV{TLSRPT_PLAIN_MODULE}) : ());

$plain->post('/v1/tlsrpt', json());
my $before = $plain->rss;
all_bodies($plain);
my $once = $plain->rss;
all_bodies($plain) for 1 .. 5;
$plain->post('/v1/tlsrpt', json('report-id' => 'after'));
my $after = $plain->rss;

note sprintf 'worker memory: %d kB before, %d kB after all bodies once, '
    . '%d kB after six times', map { $_ / 1024 } $before, $once, $after;
cmp_ok $after - $once, '<', 1024 * 1024, 'memory does not grow';
cmp_ok $after - $before, '<', 4 * 1024 * 1024, 'memory is given back';

done_testing;
