# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What is done with an enrolled domain beside changing it: DNS is looked at,
# problems are muted, counts are erased; and the zone of the provider's own.

use TLSRPT::Test;
use TLSRPT::Admin qw(ask_admin);

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:1m;
    tlsrpt_report_uri https://reports.example/v1/tlsrpt;
    tlsrpt_zone Provider.Example.;
    tlsrpt_domain named.example;
END
        location /admin/ { tlsrpt_admin; }
        location /mine/ { tlsrpt_admin owner=$http_x_user; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

my @JSON = ('Content-Type' => 'application/json');

sub ask { return ask_admin($t, @_) }

sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(30, $check) }

sub enrol {
    my ($domain, %members) = @_;

    return ask(undef, 'PUT', "domains/$domain", {
        verified => JSON::PP::true, mode => 'testing', 'max-age' => 86400,
        mx => ["mx.$domain"], %members });
}

is enrol('a.example', owner => 'ann')->{status}, 201, 'a domain of hers';
is ask('ann', 'PUT', 'domains/p.example', {})->{status}, 201, 'and one that waits';

# A look at DNS

my $known = ask('ann', 'POST', 'domains/p.example/check');
is $known->{status}, 200, 'where rspamd is not there, what is known';
is $known->{json}{state}, 'pending', 'of the domain';
is ask('bob', 'POST', 'domains/p.example/check')->{status}, 404, 'of one\'s own';

my $checks = sub { ask(undef, 'POST', "domains/$_[0]/check") };
my $asked = sub { $t->redis('ZSCORE', 'tlsrpt:{checks}:asked', $_[0]) };
is $checks->('named.example')->{status}, 200, 'a configured one likewise';
is ask('ann', 'POST', 'domains/named.example/check')->{status}, 404,
    'the operator\'s alone';
$t->redis('SET', 'tlsrpt:{checks}:seen', 1);
$t->redis('ZADD', 'tlsrpt:{checks}:names', 1, 'a.example', 1,
          'named.example');
is ask('ann', 'POST', 'domains/p.example/check')->{status}, 200,
    'where rspamd checks alone, it does not look who owns a domain';
is $asked->('p.example'), undef, 'and checks none that waits';
is ask('ann', 'POST', 'domains/a.example/check')->{status}, 202,
    'but what is proved';
ok $asked->('a.example'), 'which is asked for';
is $t->redis('ZSCORE', 'tlsrpt:{registry}:looks', 'a.example') > time, 1,
    'its owner is not';
my $own = $checks->('named.example');
is $own->{status}, 202, 'and what is configured';
is_deeply $own->{json}, { domain => 'named.example' }, 'by its name';
ok $asked->('named.example'), 'is asked for';
is $checks->('named.example')->{status}, 429, 'once a minute';
is $checks->('nowhere.example')->{status}, 404, 'not any name';
$t->redis('DEL', 'tlsrpt:{checks}:asked', map { @{ $t->redis('KEYS', $_) } }
    'tlsrpt:{registry}:asked:*', 'tlsrpt:{registry}:checked:*');
$t->redis('ZADD', 'tlsrpt:{checks}:names', 1, 'p.example');

$t->redis('SET', 'tlsrpt:{registry}:seen', 1);
my $score = sub { $t->redis('ZSCORE', 'tlsrpt:{registry}:looks', 'p.example') };
my $later = $score->();
my $look = ask('ann', 'POST', 'domains/p.example/check');
cmp_ok $t->redis('ZSCORE', 'tlsrpt:{checks}:asked', 'p.example'), '<=',
    $t->redis('TIME')->[0], 'and all that checks look at is asked for';
is $look->{status}, 202, 'where it is, it looks';
is $look->{json}{domain}, 'p.example', 'at the domain';
cmp_ok $score->(), '<=', $later, 'no later than it would have';
cmp_ok $score->(), '<=', $t->redis('TIME')->[0], 'at once';
$look = ask('ann', 'POST', 'domains/p.example/check');
is $look->{status}, 429, 'once a minute';
ok $look->{headers}{'retry-after'}, 'and says so';
is ask('ann', 'POST', 'domains/a.example/check')->{status}, 202, 'each domain';
is ask('ann', 'POST', 'domains/p.example/check', '{}')->{status}, 429,
    'a body may be there';
cmp_ok $t->redis('TTL', 'tlsrpt:{registry}:checked:p.example'), '<=', 60,
    'the minute ends';

# Problems muted

sub report_for {
    my ($domain, $n) = @_;

    return $t->post('/v1/tlsrpt', encode_json(report(
        domain => $domain, day => day(-1), 'report-id' => "r$n-$domain",
        'organization-name' => "Sender $n")));
}

# Nobody but the registry's own worker knows the domain yet.
my ($uri) = ask('ann', 'GET', 'domains/a.example')->{json}{'report-uri'}
    =~ m{reports\.example(/.*)};
ok soon(sub {
    $t->post($uri, encode_json(report(domain => 'a.example')))->{status} =~ /^20/
}), 'reports come for it';
is report_for('named.example', 1)->{status}, 201, 'and for one of the configuration';

my $problem = sub {
    my ($domain) = @_;

    return (map { $_->{id} // () }
            @{ $t->get("/tlsrpt/domains/$domain/problems")->{json}{problems} })[0];
};
ok soon(sub { $problem->('a.example') }), 'a problem opens';
ok soon(sub { $problem->('named.example') }), 'and another';
my $id = $problem->('a.example');

my $mute = ask('ann', 'PUT', "domains/a.example/problems/$id",
               { 'muted-until' => day(7) });
is $mute->{status}, 200, 'it is muted';
is_deeply $mute->{json}, { id => $id, 'muted-until' => day(7) }, 'until that day';
is $t->redis('HGET', 'tlsrpt:{a.example}:muted', $id), day(7), 'which is kept';
cmp_ok $t->redis('TTL', 'tlsrpt:{a.example}:muted'), '>', 86400, 'with the counts';
my $told = sub {
    my ($one) = grep { ($_->{id} // '') eq $id }
        @{ $t->get('/tlsrpt/domains/a.example/problems')->{json}{problems} };
    return $one->{'muted-until'};
};
is $told->(), day(7), 'and told';
$t->redis('HSET', 'tlsrpt:{a.example}:muted', $id, day(0));
is $told->(), undef, 'until it comes';
is ask('ann', 'PUT', "domains/a.example/problems/$id",
       { 'muted-until' => undef })->{json}{'muted-until'}, undef, 'and no more';
is $t->redis('HGET', 'tlsrpt:{a.example}:muted', $id), undef, 'nothing is kept';
is ask(undef, 'PUT', 'domains/named.example/problems/' . $problem->('named.example'),
       { 'muted-until' => day(1) })->{status}, 200,
    'the operator: of configured domains, too';
is ask('ann', 'PUT', 'domains/named.example/problems/' . $problem->('named.example'),
       { 'muted-until' => day(1) })->{status}, 404, 'an owner does not';
is ask('ann', 'PUT', 'domains/a.example/problems/0000000000000000',
       { 'muted-until' => day(1) })->{status}, 404, 'a problem that is not there';
is ask('ann', 'PUT', 'domains/p.example/problems/0000000000000000',
       { 'muted-until' => day(1) })->{status}, 404, 'of a domain that waits';

for my $bad ([400, ''], [400, '1'], [422, {}], [422, { 'muted-until' => 1 }],
             [422, { 'muted-until' => '2026-13-01' }],
             [422, { 'muted-until' => day(1) . 'T00:00:00Z' }],
             [422, { 'muted-until' => day(1), x => 1 }], [422, { until => day(1) }]) {
    my $answer = ask('ann', 'PUT', "domains/a.example/problems/$id", $bad->[1]);
    is $answer->{status}, $bad->[0], 'refused: '
        . (ref $bad->[1] ? encode_json($bad->[1]) : $bad->[1]);
    is $answer->{json}{path}, 'muted-until', 'the member is named'
        if $bad->[0] == 422;
}

# Counts erased

sub counted { return scalar grep { !/:(?:acts|untold)$/ }
              @{ $t->redis('KEYS', "tlsrpt:{$_[0]}*") } }

is enrol('b.example')->{status}, 201, 'another domain';
cmp_ok counted('a.example'), '>', 3, 'there is something to be erased';
my $others = counted('named.example');
is ask('bob', 'PUT', 'domains/a.example', {})->{status}, 201, 'whoever waits';
is ask('bob', 'DELETE', 'domains/a.example?erase=1')->{status}, 204, 'and goes';
cmp_ok counted('a.example'), '>', 3, 'erases nothing';
my $left = ask('ann', 'DELETE', 'domains/a.example?erase=1');
is $left->{status}, 202, 'she leaves with her counts';
is $left->{json}{state}, 'leaving', 'by and by';
cmp_ok counted('a.example'), '>', 3, 'but those of days before she proved it';
is counted('named.example'), $others, 'those of others are not';
is ask('ann', 'DELETE', 'domains/named.example?erase=1')->{status}, 404,
    'what is not hers she does not erase';
is counted('named.example'), $others, 'nor any of it';
is ask(undef, 'DELETE', 'domains/a.example?now=1&erase=1')->{status}, 200, 'at once';
is counted('a.example'), 0, 'all of it';
is $t->redis('ZSCORE', "tlsrpt:$_", 'a.example'), undef, "nor is it in \"$_\""
    for 'domains', 'due', 'open';
is ask(undef, 'DELETE', 'domains/a.example')->{status}, 404, 'it is not there';
is ask(undef, 'DELETE', 'domains/named.example?erase=1')->{status}, 204,
    'the operator erases what is left of any';
is counted('named.example'), 0, 'and it is gone';

# The provider's zone

is enrol('c.example', owner => 'ann')->{status}, 201, 'a domain';
my $zone = ask(undef, 'GET', 'zone');
is $zone->{status}, 200, 'the zone';
like $zone->{headers}{'content-type'}, qr{^text/plain}, 'as text';
like $zone->{body}, qr/\bSOA\b/, 'with its head';
like $zone->{body}, qr/^\Qc.example._mta-sts\E.*\bTXT\b.*v=STSv1; id=/m, 'a policy\'s record';
like $zone->{body}, qr/^\Qc.example._smtp._tls\E.*\bTXT\b.*v=TLSRPTv1; ?rua=/m, 'that of reports';
unlike $zone->{body}, qr/p\.example/, 'none of those that wait';
my ($alias) = map { $_->{value} } grep { $_->{name} =~ /^_mta-sts/ }
    @{ ask('ann', 'GET', 'domains/c.example')->{json}{records} };
is $alias, 'c.example._mta-sts.provider.example.', 'which her record leads to';

# nginx -t

sub wrong {
    my ($text, $says, $name) = @_;

    my ($good, $said) = $t->nginx_test(server => $text, http =>
        'tlsrpt_redis %%REDIS%%; tlsrpt_registry on zone=reg:1m;');
    ok !$good, $name;
    return like $said, qr/$says/, 'and is told';
}

wrong('location /a/ { tlsrpt_admin max=3; }', '"max" without "owner"', 'max alone');
wrong('location /a/ { tlsrpt_admin owner=; }', 'an empty "owner"', 'an empty owner');
wrong('location /a/ { tlsrpt_admin owner=x max=0; }', 'a number of domains', 'none');
wrong('location /a/ { tlsrpt_admin owner=x max=x; }', 'a number of domains', 'no number');
wrong('location /a/ { tlsrpt_admin owner=x owner=y; }', '"owner" twice', 'two');
wrong('location /a/ { tlsrpt_admin other=y; }', 'invalid parameter "other=y"', 'another');
wrong('location = /a { tlsrpt_admin; }', 'not an exact one', 'an exact location');
wrong('location /a/ { tlsrpt_admin; tlsrpt_stats; }', 'not the only one', 'two handlers');

my ($good, $said) = $t->nginx_test(http => 'tlsrpt_zone ..;');
like $said, qr/invalid name "\.\." in "tlsrpt_zone"/, 'a zone that is none';
($good, $said) = $t->nginx_test(server => 'location /a/ { tlsrpt_admin; }', http => '');
like $said, qr/"tlsrpt_admin" needs "tlsrpt_redis"/, 'without Redis';

($good, $said) = $t->nginx_test(server => 'location /a/ { tlsrpt_admin; }',
                                http => 'tlsrpt_redis %%REDIS%%;');
ok $good, 'without a registry it may be';
like $said, qr{"tlsrpt_admin" in location "/a/" without "tlsrpt_registry on"},
    'with a warning';

done_testing;
