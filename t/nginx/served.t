# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What is served comes to Redis: of the configuration at a start and a reload,
# of the registry when it changes; a change of the configuration is an event.

use JSON::PP ();
use TLSRPT::Test;
use TLSRPT::Registry qw(enrolment write_record);

my $PREFIX = 'tlsrpt:';

my $t = servers(nginx => 0, redis => 1, workers => 2, http => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:1m;
    tlsrpt_report_uri https://r.example/v1 mailto:tlsrpt@r.example;
    tlsrpt_domain plain.example token=secret;
    mta_sts_policies %%DIR%%/policies/*.txt;
END

sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(20, $check) }

sub served {
    my ($domain) = @_;
    my $text = $t->redis('GET', "$PREFIX\{$domain}:served");
    return $text && JSON::PP::decode_json($text);
}

sub ids { return map { $_->{id} } @{ (served($_[0]) || {})->{versions} || [] } }

sub write_policy {
    my ($mode) = @_;
    mkdir $t->dir . '/policies';
    $t->write_file('policies/sts.example.txt', <<"END");
version: STSv1
mode: $mode
mx: mx.sts.example
max_age: 604800
END
    return;
}

write_policy("testing");
$t->start_nginx;

ok soon(sub { served('sts.example') }), 'a policy of the configuration';
my ($version) = @{ served('sts.example')->{versions} };
is $version->{mode}, 'testing', 'its mode';
is $version->{'max-age'}, 604800, 'max-age';
is_deeply $version->{mx}, ['mx.sts.example'], 'mx';
is $version->{from}, 'configuration', 'and whence it is';

ok soon(sub { served('plain.example') }), 'a domain without a policy';
is_deeply served('plain.example')->{versions}, [], 'has no versions';
is_deeply served('plain.example')->{rua},
    ['https://r.example/v1/secret', 'mailto:tlsrpt@r.example'],
    'but addresses for reports, with its token';

ok soon(sub { $t->redis('ZCARD', "$PREFIX\{checks}:due") == 2 }),
    'both are to be checked';
is_deeply [sort @{ $t->redis('ZRANGE', "$PREFIX\{checks}:names", 0, -1) }],
    ['plain.example', 'sts.example'], 'and told as ours';

$t->redis('ZADD', "$PREFIX\{checks}:due", 4e9, 'sts.example');
write_policy('enforce');
$t->reload;

ok soon(sub { (ids('sts.example')) == 2 }), 'another policy, after a reload';
is served('sts.example')->{versions}[0]{mode}, 'enforce', 'is the newest';
is $t->redis('ZSCORE', "$PREFIX\{checks}:due", 'sts.example'), 4e9,
    'when it is checked next is not moved';

my $acts;
ok soon(sub {
    $acts = $t->redis('LRANGE', "$PREFIX\{sts.example}:acts", 0, -1);
    return @$acts && $t->redis('ZSCORE', "${PREFIX}untold", 'sts.example');
}), 'it is an event, on its way to alerts';
is scalar @$acts, 1, 'one';
my $event = JSON::PP::decode_json($acts->[0]);
is $event->{type}, 'policy-changed', 'of that type';
is $event->{domain}, 'sts.example', 'of the domain';
ok $t->redis('ZSCORE', "${PREFIX}events", 'sts.example'), 'and found by readers';

$t->reload;
sleep 2;
is scalar(ids('sts.example')), 2, 'a reload with the same changes nothing';
is $t->redis('LLEN', "$PREFIX\{sts.example}:acts"), 1, 'nor tells anything';

write_record($t, 'enrolled.example', { holder => enrolment('enrolled.example',
    state => 'active', since => time - 9e6, proved => time - 9e6,
    served => time - 8e6, mode => 'testing', 'max-age' => 86400,
    mx => ['mx.enrolled.example']) });
ok soon(sub { (ids('enrolled.example')) == 1 }), 'one that is enrolled';
is served('enrolled.example')->{versions}[0]{from}, 'registry',
    'is of the registry';
is $t->redis('EXISTS', "$PREFIX\{enrolled.example}:acts"), 0,
    'whose own events tell of changes';

done_testing;
