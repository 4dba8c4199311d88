# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What an owner can learn of a domain that another holds: as much as of one that
# nobody has.  Each request is made of both, and answered alike.

use TLSRPT::Test;
use TLSRPT::Admin qw(ask_as);

my $t = servers(redis => 1, workers => 2, http => <<'CONF', server => <<'CONF');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:4m;
    tlsrpt_report_uri https://reports.example/v1/tlsrpt
                      mailto:tlsrpt@reports.example;
CONF
        location /admin/ { tlsrpt_admin; }
        location /mine/ { tlsrpt_admin owner=$http_x_user max=20; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /all/ { tlsrpt_stats; }
        location /tlsrpt/ { tlsrpt_stats; tlsrpt_scope @$http_x_user; }
        location = /.well-known/mta-sts.txt { mta_sts; }
CONF

sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(20, $check) }

sub ask { return ask_as($t, @_) }

my %policy = (mode => 'enforce', 'max-age' => 86400);

for my $name ('held', 'followed') {
    is ask(undef, 'PUT', "/admin/domains/$name.example",
        { %policy, mx => ["mx.$name.example"], owner => 'ann',
          contact => ["a\@$name.example"],
          verified => JSON::PP::true() })->{status}, 201, 'ann has one';
}
is ask('ann', 'PUT', '/mine/domains/follower.example',
    { 'same-as' => 'followed.example' })->{status}, 201, 'and one like it';
is ask(undef, 'PUT', '/admin/domains/own.example',
    { %policy, mx => ["mx.b.example"], owner => 'bob',
      verified => JSON::PP::true() })->{status}, 201, 'bob has one';

my ($token) = ask('ann', 'GET', '/mine/domains/held.example')
    ->{json}{'report-uri'} =~ m{([^/]+)$};
my $json = encode_json(report(domain => 'held.example', day => day(0)));
ok soon(sub { $t->post("/v1/tlsrpt/$token", $json)->{status} =~ /^20/ }),
    'a report is taken';
my $problem;
ok soon(sub {
    ($problem) = map { $_->{id} // () }
        @{ $t->get('/all/domains/held.example/problems')->{json}{problems} };
}), 'a problem opens';
my $report = $t->get('/all/domains/held.example/reports')->{json}{reports}[0]{id};
ok $report, 'a report';

# The answer, without what is the name's or made anew.
sub shown {
    my ($name, @request) = @_;

    my $answer = ask('bob', @request);
    my @headers = grep { !/^(?:date|connection|content-length)$/ }
        sort keys %{ $answer->{headers} };
    my $text = join "\n", $answer->{status},
        (map { "$_: $answer->{headers}{$_}" } @headers), $answer->{body};

    $text =~ s/\Q$name\E/NAME/g;
    $text =~ s/\b[a-z2-7]{26}\b/TOKEN/g;
    $text =~ s/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/TIME/g;
    $text =~ s/"id": ?"[0-9a-f]+"/ID/g;
    return $text;
}

# What is asked of a domain; NAME in a request is that.
sub of {
    my ($name, $method, $path, $body) = @_;

    $body = encode_json($body) if ref $body;
    s/NAME/$name/g for $path, $body // ();

    return shown($name, $method, $path, $body);
}

# Each with the one that nobody else has.
my @pairs = (['held.example', 'free1.example'],
             ['followed.example', 'free2.example']);

sub alike {
    my ($title, @requests) = @_;

    for my $request (@requests) {
        for my $pair (@pairs) {
            my ($taken, $free) = map { of($_, @$request) } @$pair;
            my $body = $request->[2] // '';

            $body = encode_json($body) if ref $body;
            is $taken, $free,
                "$title: @$request[0, 1] $body ($pair->[0])";
        }
    }

    return;
}

my $B = '/tlsrpt/domains/NAME';
my $A = '/mine/domains/NAME';
my @reading = (
    (map { ['GET', "$B$_"] } '', map { "/$_" } qw(problems events reports
        senders records policy policy/proposal setup), "reports/$report"),
    ['POST', "$B/policy/simulate", "version: STSv1\nmode: none\nmax_age: 1\n"],
    ['GET', "$B?by=day"],
    ['GET', '/tlsrpt/domains?name=NAME'], ['GET', '/tlsrpt/events'],
    ['GET', '/mine/domains?name=NAME'],
);
my @acts = (
    ['GET', $A], ['HEAD', $A],
    ['PUT', "$A/problems/$problem", { 'muted-until' => day(3) }],
    ['DELETE', "$A/reports/$report"], ['POST', "$A/reports/$report/restore"],
    ['DELETE', "$A?now=1"],
);

alike('nothing of one\'s own', @reading, @acts, ['DELETE', $A],
      ['DELETE', "$A?erase=1"], ['POST', "$A/check"]);
alike('entered', ['PUT', $A, {}]);
ok soon(sub {
    2 == grep { $_->{status} == 200 }
        map { ask('bob', 'GET', "/tlsrpt/domains/$_.example/records") }
        'held', 'free2'
}), 'the registry is loaded';
alike('waits', grep({ $_->[1] !~ /events$/ } @reading), @acts,
      ['PUT', $A, {}],
      ['PUT', $A, { %policy, mx => ['mx.bob.example'] }], ['GET', $A],
      ['GET', "$B/policy"], ['GET', "$B/records"], ['GET', "$B/setup"],
      ['PUT', $A, { 'same-as' => 'own.example' }],
      ['GET', $A],
      ['PUT', $A, {}],
      ['PUT', '/mine/domains/third.example', { 'same-as' => 'NAME' }]);

$t->redis('SET', 'tlsrpt:{registry}:seen', 1);
is ask('ann', 'POST', "/mine/domains/$_.example/check")->{status}, 202,
    'ann asks for a look' for 'held', 'followed';
sleep 2;                        # not in the second of her look
alike('looked at', ['POST', "$A/check"], ['POST', "$A/check"]);
for my $name ('held', 'free1') {
    my $look = $t->redis('ZSCORE', 'tlsrpt:{registry}:looks', "$name.example");
    my $in = $look - $t->redis('TIME')->[0];
    ok $name eq 'held' ? $in > 30 && $in <= 60 : $in <= 0,
        "$name is looked at in $in s";
}
alike('leaves', ['DELETE', "$A?erase=1"]);

is ask(undef, 'GET', '/all/domains/held.example/reports')
    ->{json}{reports}[0]{id}, $report, 'the report is there';
is ask('ann', 'GET', '/mine/domains/held.example')->{json}{policy}{mode},
    'enforce', 'as is the policy';

# How many were withdrawn says nothing of others either

sub withdrawn {
    my ($who, $name) = @_;

    my $status;
    for my $n (1 .. 99) {
        ask($who, 'PUT', "/mine/domains/$who$n.example", {})->{status} == 201
            or die $n;
        ask($who, 'DELETE', "/mine/domains/$who$n.example");
    }
    ask($who, 'PUT', "/mine/domains/$name", {})->{status} == 201 or die $name;
    ask($who, 'DELETE', "/mine/domains/$name");
    return ask($who, 'PUT', "/mine/domains/$who-last.example", {})->{status};
}

is withdrawn('dan', 'held.example'), withdrawn('eve', 'free9.example'),
    'one more after a hundred';

my $metrics = ask('bob', 'GET', '/tlsrpt/metrics')->{body};
like $metrics, qr/# EOF/, 'metrics';
unlike $metrics, qr/held|followe|\bann\b/, 'tell nothing of ann';

done_testing;
