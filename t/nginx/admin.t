# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Enrolment: each request, by the operator and by owners, and what it answers.

use TLSRPT::Test;
use TLSRPT::Admin qw(ask_admin);

my $t = servers(redis => 1, workers => 2, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:4m;
    tlsrpt_report_uri https://reports.example/v1/tlsrpt
                      mailto:tlsrpt@reports.example;
    tlsrpt_domain .below.example;
    tlsrpt_domain named.example;
    mta_sts_policy static.example mode=testing max_age=7d mx=mx.static.example;
END
        location /admin/ { tlsrpt_admin; }
        location /mine/ { tlsrpt_admin owner=$http_x_user max=5; }
        location /certs { tlsrpt_certificates; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
        location = /.well-known/mta-sts.txt { mta_sts; }
END

my @JSON = ('Content-Type' => 'application/json');

# As an owner; undef: the operator.
sub ask { return ask_admin($t, @_) }

sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(20, $check) }

my %policy = (mode => 'testing', 'max-age' => 86400, mx => ['mx.a.example']);

# A new one

my $new = ask('ann', 'PUT', 'domains/a.example', \%policy);
is $new->{status}, 201, 'a domain is enrolled';
is $new->{headers}{'cache-control'}, 'no-store', 'which nobody keeps';
my $d = $new->{json};
is $d->{domain}, 'a.example', 'its name';
is $d->{state}, 'pending', 'it waits';
is $d->{owner}, 'ann', 'its owner';
my ($token) = $d->{'report-uri'} =~ m{^https://reports.example/v1/tlsrpt/([a-z2-7]{26})$};
ok $token, 'its URI has a token';
is $d->{'report-address'}, "tlsrpt+$token\@reports.example", 'its address, too';
is $d->{verification}{name}, '_tlsrpt-verify.a.example', 'what proves it';
like $d->{verification}{value}, qr/^[a-z2-7]{26}$/, 'by a value';
isnt $d->{verification}{value}, $token, 'that is not the token';
is $d->{policy}{mode}, 'testing', 'the policy';
ok $d->{id}, 'and its id';
is_deeply [ sort map { $_->{host} } @{ $d->{records} } ],
    ['_mta-sts', '_smtp._tls', '_tlsrpt-verify', 'mta-sts'], 'its records';

is_deeply ask('ann', 'GET', 'domains/a.example')->{json}, $d, 'GET has the same';
is_deeply ask(undef, 'GET', 'domains/A.Example.')->{json}, $d,
    'as has the operator, in any spelling';
is ask('ann', 'HEAD', 'domains/a.example')->{status}, 200, 'HEAD';

my $again = ask('ann', 'PUT', 'domains/a.example', {});
is $again->{status}, 200, 'it is changed';
is $again->{json}{policy}, undef, 'as a whole: no policy now';
is $again->{json}{'report-uri'}, $d->{'report-uri'}, 'the token stays';
is $again->{json}{since}, $d->{since}, 'as does the day';
is_deeply ask('ann', 'PUT', 'domains/a.example', \%policy)->{json}, $d,
    'and back';

# If-Match

is ask('ann', 'PUT', 'domains/a.example', {}, 'If-Match' => '"x"')->{status}, 412,
    'If-Match with another id';
is ask('ann', 'PUT', 'domains/a.example', {}, 'If-Match' => "W/\"$d->{id}\"")->{status}, 412,
    'a weak one matches nothing (RFC 9110 13.1.1)';
is ask('ann', 'PUT', 'domains/a.example', {}, 'If-Match' => '"' . ($d->{id} // '') . '"')->{status},
    200, 'with its id';
is ask('ann', 'PUT', 'domains/a.example', \%policy, 'If-Match' => $d->{id})->{status},
    412, 'there is none now';
is ask('ann', 'PUT', 'domains/a.example', \%policy, 'If-Match' => '*')->{status},
    200, 'any';
is ask('ann', 'PUT', 'domains/new.example', \%policy, 'If-Match' => '*')->{status},
    412, 'not one that is not there';

# Nothing is said of others

is ask('bob', 'GET', 'domains/a.example')->{status}, 404, 'not of others';
is ask('bob', 'GET', 'domains/a.example')->{body},
    ask('bob', 'GET', 'domains/nowhere.example')->{body}, 'not even that it is';
my $other = ask('bob', 'PUT', 'domains/a.example', {});
is $other->{status}, 201, 'another may enter it, too';
isnt $other->{json}{'report-uri'}, $d->{'report-uri'}, 'with a token of his own';
is ask('ann', 'GET', 'domains/a.example')->{json}{'report-uri'},
    $d->{'report-uri'}, 'hers is hers';
is $other->{json}{state}, 'pending', 'his waits as well';

# The operator

my $op = ask(undef, 'PUT', 'domains/op.example',
             { %policy, verified => JSON::PP::true });
is $op->{status}, 201, 'the operator enrols one';
is $op->{json}{state}, 'active', 'verified';
is $op->{json}{owner}, undef, 'of nobody else';
my $given = ask(undef, 'PUT', 'domains/moved.example',
    { %policy, owner => 'ann', token => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
      verified => JSON::PP::true });
is $given->{status}, 201, 'one that moves in';
is $given->{json}{owner}, 'ann', 'to its owner';
like $given->{json}{'report-uri'}, qr{/abcdefghijklmnopqrstuvwxyz$},
    'with the token that it had';
is ask('ann', 'GET', 'domains/moved.example')->{json}{state}, 'active',
    'who sees it';
is ask(undef, 'PUT', 'domains/op.example',
       { token => 'abcdefghijklmnopqrstuvwxyz' })->{status}, 409,
    'a token of another domain';

ok soon(sub {
    $t->get('/.well-known/mta-sts.txt', host => 'mta-sts.op.example')->{status}
        == 200
}), 'its policy is served';

# same-as

my $same = ask('ann', 'PUT', 'domains/same.example',
               { 'same-as' => 'moved.example' });
is $same->{status}, 201, 'the same as another of hers';
is $same->{json}{'same-as'}, 'moved.example', 'it says which';
is $same->{json}{id}, $given->{json}{id}, 'with its id';
for my $bad ('op.example', 'a.example', 'nowhere.example', 'named.example',
             'same.example') {
    is ask('ann', 'PUT', 'domains/s2.example', { 'same-as' => $bad })->{status},
        422, "not the same as $bad";
}
my $none = ask('ann', 'PUT', 'domains/s2.example', { 'same-as' => 'op.example' });
is $none->{body} =~ s/op\.example//r,
    ask('ann', 'PUT', 'domains/s2.example', { 'same-as' => 'nope.example' })
        ->{body} =~ s/nope\.example//r, 'another\'s is as if it were not there';
is ask(undef, 'PUT', 'domains/s3.example',
       { 'same-as' => 'static.example', verified => JSON::PP::true })
    ->{json}{policy}{mode}, 'testing', 'the operator: one of the configuration';

my $followed = ask('ann', 'DELETE', 'domains/moved.example');
is $followed->{status}, 409, 'what others are the same as cannot leave';
like $followed->{json}{detail}, qr/same\.example/, 'and they are named';
is ask(undef, 'PUT', 'domains/f.example',
       { 'same-as' => 'op.example', verified => JSON::PP::true })->{status},
    201, 'one that follows';

# The list

sub list {
    my ($who, $query) = @_;

    my $answer = ask($who, 'GET', 'domains' . ($query // ''));
    return $answer->{status} if $answer->{status} != 200;
    return join ' ', map { "$_->{domain}/" . ($_->{owner} // '-') }
        @{ $answer->{json}{domains} };
}

is list('ann'), 'a.example/ann moved.example/ann same.example/ann', 'her list';
is list('bob'), 'a.example/bob', 'his';
is list('carl'), '', 'nobody\'s';
is list(undef), 'a.example/ann a.example/bob f.example/- moved.example/ann '
    . 'op.example/- s3.example/- same.example/ann', 'all';
is list(undef, '?owner=ann'), list('ann'), 'an owner\'s';
is list(undef, '?owner='), 'f.example/- op.example/- s3.example/-', 'the operator\'s own';
is list(undef, '?state=pending'), 'a.example/ann a.example/bob same.example/ann',
    'those that wait';
is list('ann', '?state=active'), 'moved.example/ann', 'hers that do not';
is list(undef, '?name=p.ex'), 'op.example/-', 'by a part of the name';
is list('ann', '?owner=bob'), 403, 'an owner asks for no other';
is list('ann', '?export=1'), 403, 'and exports nothing';
is list(undef, '?state=x'), 400, 'a state that is none';
is list(undef, '?limit=0'), 400, 'a limit that is none';
is list(undef, '?what=1'), 400, 'an unknown parameter';

{
    my (@names, $next, $n);

    do {
        my $page = ask(undef, 'GET', 'domains?limit=2'
            . (defined $next ? "&cursor=$next" : ''))->{json};
        push @names, map { $_->{domain} } @{ $page->{domains} };
        $next = $page->{next};
    } while defined $next && ++$n < 10;

    is join(' ', @names), 'a.example a.example f.example moved.example '
        . 'op.example s3.example same.example', 'page by page';
}

# Out, and in elsewhere

is ask('ann', 'DELETE', 'domains/same.example')->{status}, 204,
    'what was the same';

my @lines = map { decode_json($_) }
    split /\n/, ask(undef, 'GET', 'domains?export=1')->{body};
my ($line) = grep { $_->{domain} eq 'moved.example' } @lines;
is $line->{owner}, 'ann', 'an export has the owner';
is $line->{token}, 'abcdefghijklmnopqrstuvwxyz', 'and the token';
my $value = ask('ann', 'GET', 'domains/moved.example')->{json}{verification}{value};
is $line->{verification}, $value, 'and the value of _tlsrpt-verify';
my $name = delete $line->{domain};
is ask(undef, 'DELETE', 'domains/moved.example?now=1')->{status}, 200, 'taken away';
is ask(undef, 'GET', 'domains/moved.example')->{status}, 404, 'it is gone';
is ask(undef, 'PUT', "domains/$name", $line)->{status}, 201, 'and in again';
is ask('ann', 'GET', 'domains/moved.example')->{json}{'report-uri'},
    $given->{json}{'report-uri'}, 'its records are what they were';
is ask('ann', 'GET', 'domains/moved.example')->{json}{verification}{value}, $value,
    'all of them';

# Leaving

my $left = ask('ann', 'DELETE', 'domains/a.example');
is $left->{status}, 204, 'a pending one goes';
is $left->{body}, '', 'at once';
is ask('ann', 'DELETE', 'domains/a.example')->{status}, 404, 'once';
is ask('bob', 'GET', 'domains/a.example')->{status}, 200, 'his stays';
is ask('ann', 'DELETE', 'domains/moved.example?now=1')->{status}, 403,
    'an owner leaves in order';
$left = ask('ann', 'DELETE', 'domains/moved.example');
is $left->{status}, 202, 'she does';
is $left->{json}{state}, 'leaving', 'it is leaving';
ok $left->{json}{ends}, 'until a day';
is $left->{json}{policy}{mode}, 'none', 'with a policy that says none';
is ask('ann', 'DELETE', 'domains/moved.example')->{status}, 202, 'once more';
is ask('ann', 'DELETE', "domains/moved.example?$_")->{status}, 400, "?$_"
    for 'now=2', 'erase=', 'x=1';

# Certificates

sub hosts { return join ' ', sort split /\n/, $_[0]{body} }

is hosts(ask(undef, 'GET', 'certificates')), 'mta-sts.f.example '
    . 'mta-sts.moved.example mta-sts.op.example mta-sts.s3.example '
    . 'mta-sts.static.example', 'who needs a certificate';
is hosts($t->get('/certs')), hosts(ask(undef, 'GET', 'certificates')), 'told to servers';
is $t->get("/certs?domain=$_->[0]")->{status}, $_->[1], $_->[0]
    for ['mta-sts.op.example', 200], ['MTA-STS.static.example', 200],
        ['mta-sts.f.example', 200], ['mta-sts.moved.example', 200],
        ['mta-sts.a.example', 404], ['mta-sts.named.example', 404],
        ['op.example', 404], ['nowhere', 404], ['', 404], ['mta-sts.', 404];
is $t->get('/certs/certificates?domain=mta-sts.op.example')->{body},
    "mta-sts.op.example\n", 'by the longer name';
is $t->get('/certs/domains')->{status}, 404, 'and nothing else';
is $t->post('/certs', '{}', headers => \@JSON)->{status}, 405, 'to read only';

# Of those, the hosts that lead here, as checks saw it last

sub saw {
    my ($domain, %host) = @_;

    $t->redis('SET', "tlsrpt:{$domain}:check",
              encode_json({ v => 1, host => { at => time, %host } }));

    return;
}

is_deeply $t->redis('ZRANGE', 'tlsrpt:{checks}:hosts', 0, -1),
    ['reports.example'], 'checks learn the name that is ours';
saw('f.example', a => ['192.0.2.66'], cname => ['elsewhere.example']);
saw('moved.example', cname => ['reports.example'], a => ['192.0.2.1']);
saw('op.example', a => ['192.0.2.1']);
saw('static.example', a => ['192.0.2.66']);
saw('s3.example', at => time - 4 * 86400, a => ['192.0.2.66']);
like hosts(ask(undef, 'GET', 'certificates')), qr/\Qmta-sts.f.example\E/,
    'before it is known where that leads, all';
$t->redis('HSET', 'tlsrpt:{checks}:here', 'reports.example',
          encode_json({ at => time, a => ['192.0.2.1'], aaaa => [] }));
is hosts(ask(undef, 'GET', 'certificates')), 'mta-sts.moved.example '
    . 'mta-sts.op.example mta-sts.s3.example', 'then those that do, and those'
    . ' that nobody looked at of late';
is $t->get("/certs?domain=mta-sts.$_->[0]")->{status}, $_->[1], "likewise $_->[0]"
    for ['op.example', 200], ['moved.example', 200], ['s3.example', 200],
        ['f.example', 404], ['static.example', 404];
saw('static.example', aaaa => [], a => ['192.0.2.1']);
is $t->get('/certs?domain=mta-sts.static.example')->{status}, 200,
    'it comes here';

is ask(undef, 'GET', 'zone')->{status}, 404, 'no zone of the provider\'s';

# Redis away

finish($t);
$t = servers(redis => 0, http => <<'END', server => <<'END');
    tlsrpt_redis 127.0.0.1:1;
    tlsrpt_redis_timeout 200ms;
END
        location /admin/ { tlsrpt_admin; }
        location /mine/ { tlsrpt_admin owner=$http_x_user; }
END

is ask(undef, 'GET', 'domains/op.example')->{status}, 503, 'Redis away: GET';
is ask('ann', 'PUT', 'domains/x.example', {})->{status}, 503, 'PUT';
is ask(undef, 'GET', 'domains')->{status}, 503, 'the list';

done_testing;
