# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Bad input to the enrolment API, under the sanitizers; many at the same time.

use TLSRPT::Test;
use TLSRPT::Admin qw(ask_admin);

my $t = servers(redis => 1, workers => 2, http => <<'CONF', server => <<'CONF');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:4m;
    tlsrpt_report_uri https://reports.example/v1/tlsrpt;
    tlsrpt_domain .open.example;
    tlsrpt_domain .below.example token=below;
CONF
        location /admin/ { tlsrpt_admin; }
        location /mine/ { tlsrpt_admin owner=$http_x_user max=5; }
        location /certs { tlsrpt_certificates; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
CONF

sub ask { return ask_admin($t, @_) }

sub is_one_of {
    my ($answer, $status, $name) = @_;
    my $s = $answer ? $answer->{status} : 'none';
    return ok scalar(grep { $_ == $s } ref $status ? @$status : $status), "$name: $s";
}

my @bodies = (
    [400, ''], [400, '{'], [400, '[]'], [400, '1'], [400, 'null'],
    [400, '"x"'], [400, "{\"mode\":\"none\0\"}"],
    [[400, 422], '{"mode":"none\\u0000","max-age":1}'],
    [400, '{"a\\u0000":1}'],
    [400, '{"mode":"none","mode":"none","max-age":1}'],
    [[400, 422], '[' x 3000], [400, '{"a":' x 3000], [422, '{"a":' . '[' x 2000
        . ']' x 2000 . '}'],
    [413, '{"mx":["' . 'a' x 40000 . '"]}'],
    [422, '{"' . 'k' x 30000 . '":1}'],
    [422, encode_json({ mode => 'enforce', 'max-age' => 86400,
        mx => [map { "mx$_.example.com" } 1 .. 1500] })],
    [422, '{"mode":"enforce","max-age":1e3,"mx":["a.example"]}'],
    [422, '{"mode":"enforce","max-age":-1,"mx":["a.example"]}'],
    [[400, 422], '{"mode":"enforce","max-age":99999999999999999999,"mx":["a.example"]}'],
    [422, '{"mode":"enforce","max-age":"1","mx":["a.example"]}'],
    [422, '{"mode":"enforce","max-age":true,"mx":["a.example"]}'],
    [422, '{"mode":"enforce","max-age":86400,"mx":[]}'],
    [422, '{"mode":"enforce","max-age":86400}'],
    [422, '{"mode":"enforce","max-age":86400,"mx":"a.example"}'],
    [422, '{"mode":"enforce","max-age":86400,"mx":[["a.example"]]}'],
    [422, '{"mode":"enforce","max-age":86400,"mx":["*"]}'],
    [422, '{"mode":"enforce","max-age":86400,"mx":["a.*.example"]}'],
    [422, '{"mode":"enforce","max-age":86400,"mx":["a.example\r\nmx: evil"]}'],
    [422, '{"mode":"enforce\r\nmx: evil","max-age":86400,"mx":["a.example"]}'],
    [422, '{"mode":"Enforce ","max-age":86400,"mx":["a.example"]}'],
    [422, '{"mx":["a.example"]}'], [422, '{"max-age":1}'],
    [422, '{"same-as":""}'], [422, '{"same-as":"."}'], [422, '{"same-as":1}'],
    [422, '{"same-as":"x.example","mode":"none","max-age":86400}'],
    [422, '{"same-as":"x.example","mx":[]}'],
    [422, '{"same-as":"x.example {registry}"}'],
    [422, encode_json({ 'same-as' => 'a' x 30000 })],
    [422, '{"contact":"a@b.example"}'], [422, '{"contact":["a"]}'],
    [422, '{"contact":["a@b.example,c@d.example"]}'],
    [422, '{"contact":["a@b.example\r\nBcc: x@y.example"]}'],
    [422, '{"contact":["<a@b.example>"]}'],
    [422, '{"contact":["a@[127.0.0.1]"]}'],
    [422, '{"contact":["a@b@c.example"]}'], [422, '{"contact":[null]}'],
    [422, encode_json({ contact => ['a@' . 'x' x 400] })],
    [422, encode_json({ contact => [map { "a$_\@b.example" } 1 .. 6] })],
    [422, '{"Mode":"none"}'], [422, '{"state":"active"}'],
    [422, '{"proved":1}'], [422, '{"held":1}'], [422, '{"v":2}'],
    [400, "\xff\xfe"], [400, "{\"mode\":\"\xc3\x28\"}"],
    [422, '{"owner":1}'], [422, '{"owner":""}'], [422, '{"owner":"a b"}'],
    [422, encode_json({ owner => 'x' x 129 })],
    [422, '{"token":"x"}'], [422, encode_json({ token => '1' x 26 })],
    [422, '{"verified":1}'], [422, '{"verified":false}'],
);

for my $b (@bodies) {
    my $answer = ask(undef, 'PUT', 'domains/bad.example', $b->[1]);
    is_one_of($answer, $b->[0], 'body ' . (substr $b->[1], 0, 60) =~ s/[^ -~]/?/gr);
    ok $answer->{json}{detail}, 'says why' if $answer;
}
is ask(undef, 'GET', 'domains/bad.example')->{status}, 404, 'nothing is there';

# U-labels are A-labels
my $u = ask(undef, 'PUT', 'domains/b%C3%BCcher.example', { mode => 'testing',
    'max-age' => 86400, mx => ['mx.example.com'], contact => ["a\@b.example"] });
is $u->{status}, 201, 'a U-label';
is $u->{json}{domain}, 'xn--bcher-kva.example', 'is its A-label';
is ask(undef, 'PUT', 'domains/x.example',
    { 'same-as' => "B\x{dc}cher.example", owner => 'ann' })->{status}, 422,
    'same-as by its U-label: it waits';
is ask(undef, 'PUT', 'domains/XN--BCHER-KVA.example', {})->{status}, 200,
    'in upper case';
is ask(undef, 'DELETE', 'domains/xn--bcher-kva.EXAMPLE.')->{status}, 204, 'it goes';

# chunked, cut, sent slowly
my $chunked = $t->request('PUT', '/admin/domains/ch.example', chunks =>
    ['{', '"mode":"no', 'ne","max-age":', '86400}'], delay => 0.01,
    headers => ['Content-Type' => 'application/json']);
is $chunked->{status}, 201, 'chunked';
is_one_of($t->request('PUT', '/admin/domains/ch2.example', chunks =>
    [('x' x 10000) x 5], headers => ['Content-Type' => 'application/json']), 413, 'big');
$t->request('PUT', '/admin/domains/ch3.example', chunks => ['{', '}' x 5],
    cut => 1, headers => ['Content-Type' => 'application/json']) for 1 .. 10;
for my $n (1 .. 10) {
    $t->raw(["PUT /admin/domains/cut$n.example HTTP/1.1\r\nHost: x\r\nContent-Type: "
        . "application/json\r\nContent-Length: 2\r\n\r\n{}"], cut => 1);
    $t->raw(["DELETE /admin/domains/cut$n.example?erase=1 HTTP/1.1\r\nHost: x\r\n\r\n"],
        cut => 1);
    $t->raw(["GET /admin/domains?export=1 HTTP/1.1\r\nHost: x\r\n\r\n"], cut => 1);
    $t->raw(["GET /admin/zone HTTP/1.1\r\nHost: x\r\n\r\n"], cut => 1);
}

# If-Match
ask(undef, 'PUT', 'domains/m.example', { mode => 'none', 'max-age' => 86400 });
for my $tag ('', '""', '"', ',', ' ', '*,*', 'W/"x"', '"' x 1000, ',' x 4000,
             'x' x 4000, "\xff", '"*"') {
    is_one_of(ask(undef, 'PUT', 'domains/m.example', {}, 'If-Match' => $tag),
        [412, 400], 'If-Match ' . substr($tag, 0, 10));
}

# Lists
for my $q ('cursor=', 'cursor=%00', 'cursor=%FF%FE', 'cursor=' . 'x' x 3000,
           'cursor=%0d%0a', 'limit=1000', 'name=%00', 'name=', 'name=' . 'x' x 300,
           'name=%C3%BC', 'owner=%00', 'owner=' . 'x' x 1000, 'owner=a%20b',
           'state=', 'limit=-1', 'limit=1e3', 'limit=', 'limit=99999999999999999999',
           'limit=1&limit=2', 'cursor=a&cursor=b', 'export=1&limit=1',
           'export=1&cursor=x', 'export=0', '&&&', '=', '%', 'limit=%31') {
    is_one_of(ask(undef, 'GET', "domains?$q"), [200, 400], "list ?" . substr $q, 0, 30);
}
for my $q ('domain=', 'domain=%00', 'domain=mta-sts.' . 'x' x 300, 'x=1',
           'domain=a&domain=b', 'domain=mta-sts.%C3%BC.example', 'domain=mta-sts') {
    is_one_of($t->get("/certs?$q"), [200, 400, 404], "certs ?" . substr $q, 0, 30);
}
for my $p ('domains//check', 'domains/a.example/', 'domains/a.example/x',
           'domains/a.example/reports/', 'domains/a.example/reports/%00',
           'domains/a.example/reports/..', 'domains/a.example/reports/a%2Fb',
           'domains/a.example/problems/%FF', 'domains/a.example/problems/' . 'x' x 3000,
           'domains/a.example/reports/' . 'x' x 3000, 'domains/a.example/reports/x/restore/y',
           '', 'x', '..', 'domains/%2e%2e/domains/a.example') {
    for my $m ('GET', 'PUT', 'DELETE', 'POST', 'PATCH', 'OPTIONS') {
        my $a = ask(undef, $m, $p, $m =~ /PUT/ ? { 'muted-until' => day(1) } : ());
        is_one_of($a, [404, 405, 400, 422, 403, 409], "$m " . substr $p, 0, 40);
    }
}
for my $id ('0' x 16, 'x', '2026-01-01', '20260101-0000000000000000',
            '-1', '9' x 40, '2026-01-01.' . 'a' x 32) {
    is_one_of(ask(undef, 'DELETE', "domains/m.example/reports/$id"), [404], "report $id");
    is_one_of(ask(undef, 'POST', "domains/m.example/reports/$id/restore"), [404], "restore $id");
}

# Many at the same time: no more than "max"
sub many {
    my ($n, $make) = @_;

    my @pending = map {
        my $s = $t->connection;
        print $s $make->($_); $s->flush; $s } 1 .. $n;
    return map { TLSRPT::Server::read_answer($_) } @pending;
}
sub put { my ($who, $name, $body) = @_;
    return "PUT /mine/domains/$name HTTP/1.1\r\nHost: localhost\r\nX-User: $who\r\n"
        . "Connection: close\r\nContent-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body" }

my @got = many(40, sub { put('max', "max$_[0].example", '{}') });
is scalar(grep { $_->{status} == 201 } @got), 5, 'five of forty';
is scalar(grep { $_->{status} == 403 } @got), 35, 'the others refused';
is scalar(@{ ask('max', 'GET', 'domains')->{json}{domains} }), 5, 'five are there';

@got = many(30, sub { put('same', "one.example",
    qq({"mode":"testing","max-age":86400,"mx":["mx$_[0].example"]})) });
my %by; $by{$_->{status}}++ for @got;
is $by{201}, 1, 'created once';
@got = many(30, sub { put("o$_[0]", "shared.example", '{}') });
%by = (); $by{$_->{status}}++ for @got;
# who met others eight times in a row is told to come again
is $by{201} + ($by{503} || 0), 30, 'thirty owners, none refused';
cmp_ok $by{201}, '>', 20, 'nearly all of them at once';
is scalar(@{ ask(undef, 'GET', 'domains?name=shared.ex')->{json}{domains} }),
    $by{201}, 'as many as were told';

my %tokens = map { $_->{json}{'report-uri'} => 1 }
    grep { $_->{status} == 201 } @got;
is scalar(keys %tokens), $by{201}, 'each token another';

done_testing;
