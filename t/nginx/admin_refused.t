# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What is tried on the enrolment of domains, and refused: nothing is done then.

use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:1m;
    tlsrpt_report_uri https://reports.example/v1/tlsrpt;
    tlsrpt_domain .below.example;
    tlsrpt_domain named.example;
    tlsrpt_domain token.example token=demo;
    mta_sts_policy static.example mode=testing max_age=7d mx=mx.static.example;
END
        location /admin/ { tlsrpt_admin; }
        location /mine/ { tlsrpt_admin owner=$http_x_user; }
        location /few/ { tlsrpt_admin owner=$http_x_user max=3; }
        location /prefixed/ { tlsrpt_admin owner=u-$http_x_user; }
END

my @JSON = ('Content-Type' => 'application/json');
my $BASE = '/mine';

sub ask {
    my ($who, $method, $path, $body, @headers) = @_;

    return $t->request($method, (defined $who ? "$BASE/" : '/admin/') . $path,
        defined $body ? (body => ref $body ? encode_json($body) : $body) : (),
        headers => [ defined $who ? ('X-User' => $who) : (),
                     defined $body && !@headers ? @JSON : (), @headers ]);
}

sub records { return $t->redis('HLEN', 'tlsrpt:{registry}') }

# All that the registry has: every change has a version of its own.
sub all {
    my %records = @{ $t->redis('HGETALL', 'tlsrpt:{registry}') };

    return join "\n", $t->redis('HGET', 'tlsrpt:{registry}:meta', 'version'),
        map { "$_ $records{$_}" } sort keys %records;
}

sub refused {
    my ($answer, $status, $name) = @_;

    my @said = ($answer->{status}, $answer->{headers}{'content-type'},
                $answer->{headers}{'cache-control'});
    return is "@said", "$status application/problem+json no-store", $name;
}

# Owners' names

for my $name ('', ' ', 'x *', 'a b', "a\tb", "caf\xc3\xa9", "\x01", 'x' x 129) {
    refused(ask($name, $_->[0], 'domains/a.example', $_->[1]), 403,
            "$_->[0] by \"$name\"") for ['PUT', {}], ['GET'];
}
is records(), 0, 'and nothing was done';

for my $name ('@', 'a,b', '*', '.example', '@other', '{registry}', ':', 'x' x 128) {
    my ($label) = (unpack 'H*', substr $name, 0, 8);
    is ask($name, 'PUT', "domains/n$label.example", {})->{status}, 201,
        "\"$name\" is a name, byte for byte";
    is join(' ', map { "$_->{domain}=$_->{owner}" }
            @{ ask($name, 'GET', 'domains')->{json}{domains} }),
        "n$label.example=$name", 'and sees its own alone';
}
is ask('A,B', 'GET', 'domains')->{json}{domains}[0], undef, 'in another case another';

# What is the operator's

my $before = all();
for my $member ([ verified => JSON::PP::true ], [ owner => 'eve' ],
                [ token => 'a' x 26 ]) {
    my $answer = ask('eve', 'PUT', 'domains/eve.example', { @$member });
    refused($answer, 403, "an owner gives \"$member->[0]\"");
    is $answer->{json}{path}, $member->[0], 'which is named';
}
refused(ask('eve', 'GET', $_), 403, "an owner asks for $_")
    for 'certificates', 'zone', 'certificates?domain=mta-sts.a.example';
refused(ask('eve', 'GET', "domains?$_"), 403, "an owner asks for ?$_")
    for 'owner=eve', 'owner=', 'export=1';
is all(), $before, 'and nothing was done';

# Domains of others, their parents and children

is ask(undef, 'PUT', 'domains/theirs.example',
       { owner => 'ann', verified => JSON::PP::true, mode => 'enforce',
         'max-age' => 86400, mx => ['mx.theirs.example'] })->{status}, 201,
    'a domain of ann';
$before = all();
refused(ask('eve', $_->[0], "domains/theirs.example$_->[1]", $_->[2]), 404,
        "eve: $_->[0] $_->[1]")
    for ['GET', ''], ['DELETE', ''], ['DELETE', '?now=1'], ['DELETE', '?erase=1'],
        ['DELETE', '?now=1&erase=1'], ['POST', '/check'],
        ['PUT', '/problems/0123456789abcdef', { 'muted-until' => day(3) }];
is all(), $before, 'and nothing was done';

for my $name ('theirs.example', 'x.theirs.example') {
    my $answer = ask('eve', 'PUT', "domains/$name", {});
    is $answer->{status}, 201, "eve enters $name";
    is $answer->{json}{state}, 'pending', 'which waits for a proof';
    unlike $answer->{body}, qr/ann|enforce|mx\.theirs/, 'and tells nothing';
}
my $hers = ask('ann', 'GET', 'domains/theirs.example')->{json};
is $hers->{policy}{mode}, 'enforce', 'hers is what it was';
is ask('eve', 'DELETE', 'domains/theirs.example?erase=1')->{status}, 204,
    'eve goes';
is_deeply ask('ann', 'GET', 'domains/theirs.example')->{json}, $hers, 'she stays';
is ask('eve', 'PUT', 'domains/y.example', { 'same-as' => 'theirs.example' })
    ->{status}, 422, 'nor can hers be followed';

# Configured ones

for my $name ('named.example', 'below.example', 'x.y.below.example',
              'token.example', 'static.example') {
    refused(ask($_, 'PUT', "domains/$name", {}), 409, "configured: $name")
        for undef, 'eve';
}

# Names

my @bad = qw(example com co.uk xn--p1ai _x.a.example mta-sts.a.example
             _smtp._tls.a.example mta-sts.example.com localhost 1.2.3.4);
push @bad, join '.', ('x' x 60) x 4;
refused(ask('eve', 'PUT', "domains/$_", {}), 422, "no domain to enrol: $_")
    for @bad;

my @none = ('a..example', '-.', '%00.example', 'a%20b.example', '*.example',
            'a.exa%0Dmple', 'a%2Cb.example', '%7Ba%7D.example', '.example',
            '%FF.example', 'a.example%3Ax', join('.', ('x' x 63) x 5),
            'x' x 2000, ('y' x 64) . '.example', "a'b.example", '"a".example',
            'a;b.example', 'a|b.example', '$(x).example', '%25.example');
for my $name (@none) {
    my $answer = ask('eve', 'PUT', "domains/$name", {});
    ok $answer->{status} == 404 || $answer->{status} == 422
        || $answer->{status} == 400, 'no name: ' . substr $name, 0, 40;
}

# A hundred kinds more: a byte in the middle of a name.  What is taken is the
# name that it says.
for my $byte (0x21 .. 0x7e, 0x80 .. 0xff) {
    my $answer = ask('eve', 'PUT', sprintf('domains/a%%%02xb.example', $byte), {});
    next if $answer->{status} != 201;
    my $name = $answer->{json}{domain};
    like $name, qr/^(?:a[a-z0-9._-]b|a)\.example$|^xn--/, sprintf 'byte %02x', $byte;
    ask('eve', 'DELETE', "domains/$name");
}
like $_, qr/^(?:[a-z0-9_-]+\.)+[a-z0-9-]+$/, "a key of Redis: $_"
    for @{ $t->redis('HKEYS', 'tlsrpt:{registry}') };

# Bodies

sub body {
    my ($status, $body, $path, $name) = @_;

    my $answer = ask('bob', 'PUT', 'domains/body.example', $body);
    refused($answer, $status, $name);
    return is $answer->{json}{path} // '', $path, 'and where it is';
}

$before = all();
body(400, '', '', 'no body');
body(400, '{', '', 'cut short');
body(400, '[]', '', 'no object');
body(400, '{"mode":"none","mode":"none"}', '', 'a member twice');
body(422, '{"mood":"none"}', 'mood', 'an unknown member');
body(422, '{"mode":"loud"}', 'mode', 'no mode');
body(422, '{"mode":"enforce","max-age":86400}', 'mx', 'no mx');
body(422, '{"mode":"enforce","mx":["mx.a.example"]}', 'max-age', 'no max-age');
body(422, '{"mode":"enforce","max-age":-1,"mx":["mx.a.example"]}', 'max-age', 'before now');
body(422, '{"mode":"enforce","max-age":86400,"mx":["a b"]}', 'mx[0]', 'no pattern');
body(422, '{"contact":["x"]}', 'contact[0]', 'no address');
body(422, '{"same-as":"..","contact":[]}', 'same-as', 'no domain');
body(413, '{"contact":["' . 'x' x 40_000 . '"]}', '', 'too large');
is all(), $before, 'and nothing was done';

# Other sites

my @put = ('PUT', '/mine/domains/site.example');
for my $headers (
    ['Sec-Fetch-Site' => 'cross-site'],
    ['Sec-Fetch-Site' => 'Cross-Site', Origin => 'http://localhost'],
    [Origin => 'https://evil.example'], [Origin => 'null'], [Origin => ''],
    [Origin => 'https://localhost.evil.example'], [Origin => 'localhost'],
    [Origin => 'https://localhost:8443'])
{
    refused($t->request(@put, body => '{}', host => 'localhost',
                        headers => ['X-User' => 'eve', @JSON, @$headers]),
            403, "PUT with @$headers");
    refused($t->request($_->[0], "/mine/domains/n40.example$_->[1]",
                        host => 'localhost',
                        headers => ['X-User' => '@', @$headers]), 403,
            "$_->[0]$_->[1] with @$headers") for ['DELETE', ''], ['POST', '/check'];
    is $t->request('GET', '/mine/domains', host => 'localhost',
                   headers => ['X-User' => 'eve', @$headers])->{status}, 200,
        'GET may be';
}
for my $type ('text/plain', 'application/x-www-form-urlencoded', '',
              'multipart/form-data; boundary=x', 'application/jsonx',
              'text/plain; application/json')
{
    refused($t->request(@put, body => '{}', host => 'localhost',
                        headers => ['X-User' => 'eve', 'Content-Type' => $type]),
            415, "PUT of \"$type\"");
    refused($t->request('POST', '/mine/domains/n40.example/check', body => 'a=b',
                        host => 'localhost', headers =>
                        ['X-User' => '@', 'Content-Type' => $type]),
            415, "POST of \"$type\"");
}
is $t->redis('HEXISTS', 'tlsrpt:{registry}', 'site.example'), 0, 'nothing was done';
is $t->request(@put, body => '{}', host => 'localhost', headers =>
               ['X-User' => 'eve', 'Content-Type' => 'Application/JSON; charset=utf-8',
                Origin => 'http://localhost', 'Sec-Fetch-Site' => 'same-origin'])
    ->{status}, 201, 'from this site';
is $t->request(@put, body => '{}', host => 'Admin.example:8443', headers =>
               ['X-User' => 'eve', @JSON, Origin => 'https://admin.EXAMPLE:8443'])
    ->{status}, 200, 'at another port';

# Too many

$BASE = '/few';
my @few = map { ask('max', 'PUT', "domains/few$_.example", {})->{status} } 1 .. 5;
is "@few", '201 201 201 403 403', 'so many, those that wait among them';
is ask('max', 'PUT', 'domains/few1.example', {})->{status}, 200,
    'those there are can be changed';
is ask('max', 'DELETE', 'domains/few1.example')->{status}, 204, 'one goes';
is ask('max', 'PUT', 'domains/few6.example', {})->{status}, 201, 'one comes';

$BASE = '/mine';
my %many;
$many{ask('many', 'PUT', "domains/many$_.example", {})->{status}}++ for 1 .. 200;
is_deeply \%many, { 201 => 100, 403 => 100 }, '200 that wait';
is $t->redis('ZCARD', 'tlsrpt:{registry}:owner:many'), 100, 'are a hundred';

is $t->get('/prefixed/domains', headers => ['X-User' => 'x'])->{status}, 200,
    'an owner of text and variable';
refused($t->get('/prefixed/domains', headers => ['X-User' => 'x y']), 403,
        'is one name, too');

# What there is not

refused(ask(undef, 'GET', $_), 404, "no $_")
    for '', 'x', 'domains/a/b/c/d', 'domains/op.example/reports';
refused(ask(undef, $_->[0], $_->[1]), 405, "no $_->[0] of $_->[1]")
    for ['POST', 'domains'], ['POST', 'domains/a.example'], ['PUT', 'certificates'],
        ['GET', 'domains/a.example/check'], ['GET', 'domains/a.example/problems/x'];
is ask(undef, 'PATCH', 'domains/a.example')->{headers}{allow}, 'GET, HEAD, PUT, DELETE',
    'what there is instead';

# Tokens are no text for the log

my $log = $t->error_log;
my ($token) = ask('ann', 'GET', 'domains/theirs.example')->{body} =~ m{tlsrpt/(\w{26})};
like $log, qr/"theirs\.example", token "\Q@{[ substr $token, 0, 4 ]}\E\.\.\."/,
    'the log has the beginning of a token';
unlike $log, qr/\Q$token/, 'and no more of it';

done_testing;
