# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Tokens take what is theirs, whoever waits for it; and what is struck out stays
# what it was, however often that is tried.

use TLSRPT::Registry qw(enrolment enrol write_record token_of);
use TLSRPT::Test;
use TLSRPT::Admin qw(ask_admin);

my $SERVER = <<'CONF';
        location /admin/ { tlsrpt_admin; }
        location /mine/ { tlsrpt_admin owner=$http_x_user max=20; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
        location = /.well-known/mta-sts.txt { mta_sts; }
CONF

my $t = servers(redis => 1, workers => 2, server => $SERVER, http => <<'CONF');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:4m;
    tlsrpt_report_uri https://reports.example/v1/tlsrpt;
    tlsrpt_domain .open.example;
    tlsrpt_domain .below.example token=below;
    tlsrpt_domain named.example;
    mta_sts_policy static.example mode=testing max_age=7d mx=mx.static.example;
CONF
my $redis = $t->redis_address;
my $plain = servers(workers => 2, server => $SERVER, http => <<"CONF");
    tlsrpt_redis $redis;
    tlsrpt_registry on zone=reg:4m;
    tlsrpt_report_uri https://reports.example/v1/tlsrpt;
CONF

sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(15, $check) }
sub ask {
    my ($node, $who, $method, $path, @more) = @_;

    return ask_admin($node, $who, $method, "domains/$path", @more);
}
my $n = 0;
sub post {
    my ($node, $domain, $token, %more) = @_;
    my $r = report(domain => $domain, day => day(0), 'report-id' => 'r' . ++$n, %more);
    return $node->post('/v1/tlsrpt' . (defined $token ? "/$token" : ''), encode_json($r));
}
sub token { return $_[0]{json}{'report-uri'} =~ m{([^/]+)$} ? $1 : die $_[0]{body} }
my $V = JSON::PP::true();

# Waiting for what is configured elsewhere: by the node that does not know
my $sub = ask($plain, 'eve', 'PUT', 'sub.open.example', {});
is $sub->{status}, 201, 'eve waits for a name below a configured one';
my $sub2 = ask($plain, 'eve', 'PUT', 'sub.below.example', {});
is ask($plain, 'eve', 'PUT', $_, { mode => 'enforce', 'max-age' => 86400,
    mx => ['mx.eve.example'] })->{status}, 201, "and for $_"
    for qw(named.example static.example below.example);
ok soon(sub { post($t, 'sub.open.example', token($sub))->{status} != 404 }), 'known here';
is post($t, 'sub.open.example')->{status}, 201, 'who waits keeps nothing from .NAME';
is post($t, 'sub.below.example', 'below')->{status}, 201, 'nor from its token';
is post($t, 'named.example')->{status}, 201, 'nor from a configured one';
like $t->get('/.well-known/mta-sts.txt', host => 'mta-sts.static.example')->{body},
    qr/testing/, 'the configured policy';
is $plain->get('/.well-known/mta-sts.txt', host => "mta-sts.$_")->{status}, 404,
    "not eve's of $_" for qw(static.example below.example named.example);

# Tokens
my $ann = ask($t, undef, 'PUT', 'ann.example', { verified => $V, owner => 'ann' });
my $ann2 = ask($t, undef, 'PUT', 'www.ann.example', { verified => $V, owner => 'ann' });
my $bob = ask($t, 'bob', 'PUT', 'ann.example', {});
ok soon(sub { post($t, 'ann.example', token($ann))->{status} == 201 }), 'hers';
ok soon(sub { post($t, 'www.ann.example', token($ann2))->{status} == 201 }), 'and the other';
is post($t, 'www.ann.example', token($ann))->{status}, 403, 'not the child';
is post($t, 'x.ann.example', token($ann))->{status}, 403, 'not another child';
is post($t, 'ann.example', token($ann2))->{status}, 403, 'not the parent';
is post($t, 'named.example', token($ann))->{status}, 403, 'not a configured one';
is post($t, 'sub.open.example', token($ann))->{status}, 403, 'not one below .NAME';
is post($t, 'ann.example', token($bob))->{status}, 503, 'not at the token of who waits';
is post($t, 'ann.example')->{status}, 403, 'nor without';
is post($t, 'ann.example', 'below')->{status}, 403, 'nor at that of another';
is post($t, 'ann.example', 'x' . token($ann))->{status}, 404, 'longer';
is post($t, 'ann.example', substr token($ann), 1)->{status}, 404, 'shorter';
is post($t, 'ann.example', token($ann) . '/')->{status}, 404, 'with a slash';
is post($t, 'ann.example', token($ann) . '%00')->{status}, 400, 'with NUL';

# both in one report
my $two = report(domain => 'ann.example', day => day(0), 'report-id' => 'two');
push @{ $two->{policies} }, report(domain => 'named.example')->{policies}[0];
my $got = $t->post('/v1/tlsrpt/' . token($ann), encode_json($two));
is $got->{status}, 201, 'two domains';
is_deeply $got->{json}{'policy-domains'}, ['ann.example'], 'one is taken';
$got = $t->post('/v1/tlsrpt', encode_json({ %$two, 'report-id' => 'two-b' }));
is_deeply $got->{json}{'policy-domains'}, ['named.example'], 'without: the other';

# Reports that come for one who waits are not counted later for the holder
is ask($t, undef, 'GET', 'ann.example')->{json}{owner}, 'ann', 'ann holds it';
my $before = $t->counted('ann.example');
post($t, 'ann.example', token($bob)) for 1 .. 3;
is $t->counted('ann.example'), $before, 'what comes for bob counts nowhere';

# Striking out: at the same time, and of others
sub reports { return @{ $t->get("/tlsrpt/domains/$_[0]/reports?limit=50" . ($_[1] // ''))->{json}{reports} } }
sub sums { my $j = $t->get("/tlsrpt/domains/$_[0]")->{json};
    return join ' ', @$j{qw(reports total-successful-session-count total-failure-session-count)} }
my ($first) = reports('ann.example');
my $was = sums('ann.example');
my @s = map { my $c = $t->connection; print $c "DELETE /mine/domains/ann.example/reports/$first->{id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-User: ann\r\n\r\n"; $c->flush; $c } 1 .. 12;
my %by; $by{TLSRPT::Server::read_answer($_)->{status}}++ for @s;
# who asks while it is being done may be told that it is
cmp_ok $by{204}, '>=', 1, 'struck out';
is $by{204} + ($by{404} || 0), 12, 'or so before';
my $now = sums('ann.example');
isnt $now, $was, 'counts change';
@s = map { my $c = $t->connection; print $c "POST /mine/domains/ann.example/reports/$first->{id}/restore HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-User: ann\r\n\r\n"; $c->flush; $c } 1 .. 12;
%by = (); $by{TLSRPT::Server::read_answer($_)->{status}}++ for @s;
cmp_ok $by{204}, '>=', 1, 'restored';
is sums('ann.example'), $was, 'counts are what they were';
# both at the same time, many times
for my $round (1 .. 6) {
    @s = map { my $c = $t->connection; my $m = $_ % 2 ? "DELETE" : "POST"; my $p = $_ % 2 ? '' : '/restore';
        print $c "$m /mine/domains/ann.example/reports/$first->{id}$p HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-User: ann\r\n\r\n"; $c->flush; $c } 1 .. 8;
    TLSRPT::Server::read_answer($_) for @s;
}
ask($t, 'ann', 'POST', "ann.example/reports/$first->{id}/restore");
is sums('ann.example'), $was, 'after a fight';
my ($other) = reports('www.ann.example');
is ask($t, 'ann', 'DELETE', "ann.example/reports/$other->{id}")->{status}, 404, 'not by another domain\'s name';
my ($named) = reports('named.example');
is ask($t, 'ann', 'DELETE', "ann.example/reports/$named->{id}")->{status}, 404, 'nor a configured one\'s';
is ask($t, 'ann', 'DELETE', "named.example/reports/$named->{id}")->{status}, 404, 'nor by its own';
is ask($t, 'bob', 'DELETE', "ann.example/reports/$first->{id}")->{status}, 404, 'nor who waits';
# all struck: nothing left
ask($t, 'ann', 'DELETE', "ann.example/reports/$_->{id}") for reports('ann.example');
is sums('ann.example'), '0 0 0', 'all struck out';
ask($t, 'ann', 'POST', "ann.example/reports/$_->{id}/restore") for reports('ann.example', '&struck=yes');
is sums('ann.example'), $was, 'all restored';

# Two nodes: a PUT on one, a GET on the other, at once
for my $i (1 .. 20) {
    my ($x, $y) = $i % 2 ? ($t, $plain) : ($plain, $t);
    my $put = ask($x, 'ann', 'PUT', 'www.ann.example', { mode => 'testing', 'max-age' => 86400, mx => ["mx$i.example.com"] });
    my $get = ask($y, 'ann', 'GET', 'www.ann.example');
    is $get->{json}{policy}{mx}[0], "mx$i.example.com", "seen at once $i" or last;
}
for my $node ($t, $plain) {
    ok TLSRPT::Server::wait_until(5, sub { $node->get('/.well-known/mta-sts.txt', host => 'mta-sts.www.ann.example')->{body} =~ /mx20/ }), 'within 5 s';
}

# Same-as against leaving, from both nodes at the same time
for my $i (1 .. 10) {
    for my $d ("s$i.example", "f$i.example") {
        ask($t, undef, 'PUT', $d, { verified => $V, owner => 'kim', mode => 'testing', 'max-age' => 86400, mx => ['mx.kim.example'] });
    }
    my @c = map { $_->connection } $t, $plain;
    my $body = qq({"same-as":"s$i.example"});
    print { $c[0] } "PUT /mine/domains/f$i.example HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-User: kim\r\nContent-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    print { $c[1] } "DELETE /mine/domains/s$i.example HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-User: kim\r\n\r\n";
    $_->flush for @c;
    my @a = map { TLSRPT::Server::read_answer($_)->{status} } @c;
    my ($s, $f) = map { ask($t, 'kim', 'GET', "$_$i.example")->{json} } 's', 'f';
    ok !($s->{state} eq 'leaving' && defined $f->{'same-as'}), "@a: follows none that leaves";
}

done_testing;
