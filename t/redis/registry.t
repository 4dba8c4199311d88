#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The registry by the core in a real Redis: records and all keys that lead to
# them, written together, once, by one who has read what is there; so many for an
# owner; tokens that nobody else has; events, on their way to their domains.

use strict;
use warnings;

use JSON::PP qw(decode_json);
use TLSRPT::Store;
use TLSRPT::Test;

my $T0 = 1_800_000_000;
my $DAY = 86400;
my $R = 't:{registry}';
my $POLICY = '{"mode":"enforce","max-age":604800,"mx":["mx.example.com"]}';

# What a change, and the put after it, say.
my ($OK, $NOTHING, $FORBIDDEN) = (0, 1, 2);
my ($DONE, $AGAIN, $TOO_MANY, $TAKEN, $FOLLOWED) = (0 .. 4);

my $t = servers(nginx => 0, redis => 1);
my $store = TLSRPT::Store->new($t);

sub redis { return $t->redis(@_) }

sub begin {
    redis('FLUSHALL');
    $store->line(now => $T0);

    return;
}

# What is done: status, result, version, next look.
sub enrol  { return [split ' ', $store->line(put => @_)] }
sub leave  { return [split ' ', $store->line(leave => @_)] }
sub looked { return [split ' ', $store->line(looked => @_, '-')] }
sub expire { return [split ' ', $store->line(expire => @_)] }
sub kept   { return [split ' ', $store->line('send')] }
sub at     { return $store->line(now => $T0 + $_[0]) }

sub record {
    my ($domain) = @_;

    my $text = redis('HGET', $R, $domain);

    return if !defined $text;
    my ($version, $json) = $text =~ /^(\d+) (.*)$/;

    return { version => $version, %{ decode_json($json) } };
}

sub value_of {
    my ($domain, $owner) = @_;

    my $record = record($domain);
    my ($e) = grep { $_ && ($_->{owner} // '-') eq $owner }
        $record->{holder}, @{ $record->{pending} || [] };

    return $e->{value};
}

sub members { return [@{ redis('ZRANGE', "$R:$_[0]", 0, -1) }] }
sub score   { return redis('ZSCORE', "$R:$_[0]", $_[1]) }
sub events  { return [map { decode_json($_) } @{ redis('LRANGE', "$R:untold", 0, -1) }] }
sub types   { return join ' ', map { $_->{type} } @{ events() } }

# All that there is, but for the counter of versions.
sub all_kept {
    return { map { $_ => redis('DUMP', $_) } @{ redis('KEYS', '*') } };
}


# A domain's life

begin();
is_deeply enrol(qw(a example.com), $POLICY), [$OK, $DONE, 1, $T0 + 10],
    'a domain is enrolled';
my $e = record('example.com')->{pending}[0];
is $e->{owner}, 'a', 'it waits, for its owner';
like $e->{$_}, qr/^[a-z2-7]{26}$/, "a $_ of its own" for qw(token value);
is redis('HGET', "$R:tokens", $e->{token}), 'example.com', 'the token leads there';
is_deeply members('owner:a'), ['example.com'], 'the owner has it';
is_deeply members('names'), ['example.com'], 'as all have';
is score('versions', 'example.com'), 1, 'its version is known';
is score('looks', 'example.com'), $T0 + 10, 'DNS is looked at soon';
is score('ends', 'example.com'), $T0 + 14 * $DAY, 'and not for ever';
my $meta = { @{ redis('HGETALL', "$R:meta") } };
is $meta->{version}, 1, 'the registry has a version';
like $meta->{epoch}, qr/^[a-z2-7]{26}$/, 'and an epoch';
is types(), 'domain-enrolled', 'it is told';
is redis('TTL', $_), -1, "$_ does not expire"
    for map { "$R$_" } '', qw(:meta :names :versions :tokens :owner:a :looks
                              :ends :untold);

is enrol(qw(a example.com), $POLICY)->[0], $NOTHING, 'the same is nothing';
at(10);
is_deeply looked('example.com', value_of('example.com', 'a')),
    [$OK, $DONE, 2, $T0 + 10 + 30 * $DAY], 'it is proved';
is record('example.com')->{holder}{state}, 'active', 'and active';
is score('ends', 'example.com'), undef, 'nothing of it ends';
is { @{ redis('HGETALL', "$R:meta") } }->{epoch}, $meta->{epoch},
    'the epoch stays';

at($DAY);
is leave(qw(a example.com 0))->[1], $DONE, 'it leaves';
is score('ends', 'example.com'), $T0 + $DAY + 604800, 'on that day';
at($DAY + 604800);
is_deeply expire('example.com'), [$OK, $DONE, 4, 0], 'which comes';
is_deeply members($_), [], "nothing in $_" for qw(names looks owner:a);
is_deeply redis('HGETALL', "$R:tokens"), [], 'no token';
is score('versions', 'example.com'), 4, 'but all hear of it';
is record('example.com')->{left}, $T0 + $DAY + 604800, 'that it has left';
at($DAY + 604800 + 30 * $DAY);
is expire('example.com')->[1], $DONE, 'later';
is_deeply [sort @{ redis('KEYS', '*') }], ["$R:meta", "$R:untold"],
    'nothing is left of it';
is types(), 'domain-enrolled domain-verified domain-leaving domain-left',
    'but events';


# Withdrawn

begin();
enrol(qw(a example.com {}));
is leave(qw(a example.com 0))->[1], $DONE, 'one is withdrawn';
is_deeply members('owner:a'), [], 'its owner has it no more';
is_deeply members('gone:a'), ['example.com'], 'had it just now';
is score('ends', 'example.com'), $T0 + 3600, 'for an hour';
is score('gone:a', 'example.com'), $T0 + 3600, 'as long as it counts';
cmp_ok redis('TTL', "$R:gone:a"), '<=', 3600, 'then the list goes by itself';
at(3600);
expire('example.com');
is record('example.com'), undef, 'nor is there a record';

begin();
for my $n (1 .. 100) {
    enrol('a', "d$n.example", '{}');
    leave('a', "d$n.example", 0);
}
is enrol(qw(a example.com {}))->[1], $TOO_MANY,
    'who does nothing else is stopped for an hour';
is enrol(qw(b example.com {}))->[1], $DONE, 'others are not';
is enrol(qw(b d7.example {}))->[1], $DONE, 'nor by the names';
is enrol(qw(a d200.example {}))->[1], $TOO_MANY,
    'which tells the former owner nothing';
at(3600);
is enrol(qw(a d200.example {}))->[1], $DONE, 'an hour later it goes on';

# Another holds it: that makes no difference to who withdraws

begin();
enrol(qw(b held.example {}));
enrol(qw(a held.example {}));
leave(qw(a held.example 0));
is_deeply members('gone:a'), ['held.example'], 'it counts where others have it';


# So many of an owner

begin();
is enrol('a', "d$_.example", '{}')->[1], $DONE, "number $_ of an owner"
    for 1 .. 3;
my $before = all_kept();
is enrol(qw(a d4.example {}))->[1], $TOO_MANY, 'and no more';
is_deeply all_kept(), $before, 'nothing is done';
is enrol('a', 'd2.example', $POLICY)->[1], $DONE, 'the others can be changed';
is enrol(qw(b d4.example {}))->[1], $DONE, 'others have their own';
is enrol('-', "o$_.example", '{}')->[1], $DONE, "the operator's have no end"
    for 1 .. 5;
leave(qw(a d1.example 0));
is enrol(qw(a d4.example {}))->[1], $DONE, 'there is room for one again';


# Tokens

begin();
my $token = 'a' x 26;
is enrol('-', 'example.com', qq({"token":"$token"}))->[1], $DONE,
    'the operator gives a token';
$before = all_kept();
is enrol('-', 'example.net', qq({"token":"$token"}))->[1], $TAKEN,
    'which is nobody else\'s';
is_deeply all_kept(), $before, 'nothing is done';
is enrol('-', 'example.com', '{"token":"' . 'b' x 26 . '"}')->[1], $DONE,
    'another token';
is_deeply redis('HGETALL', "$R:tokens"), ['b' x 26, 'example.com'],
    'takes its place';


# Who follows whom

begin();
enrol('-', 'other.example', '{"verified":true,"mode":"none","max-age":86400}');
is enrol('-', 'example.com', '{"same-as":"other.example"}')->[1], $DONE,
    'one follows';
is_deeply members('followers:other.example'), ['example.com'], 'which is known';
is leave(qw(- other.example 0))->[1], $FOLLOWED, 'the other cannot leave';
is enrol('-', 'third.example', '{"verified":true}')->[1], $DONE, 'a third';
is enrol('-', 'other.example', '{"same-as":"third.example"}')->[1], $FOLLOWED,
    'nor follow';
is enrol(qw(- example.com {}))->[1], $DONE, 'when nobody follows';
is_deeply members('followers:other.example'), [], 'nobody is known';
is leave(qw(- other.example 0))->[1], $DONE, 'it may';

$store->line('hold');
enrol('-', 'example.com', '{"same-as":"third.example"}');
leave(qw(- third.example 1));
is kept()->[0], $AGAIN, 'what is followed has left meanwhile';
is record('example.com')->{pending}[0]{'same-as'}, undef, 'nobody follows it';


# Once, and by one who knows what is there

for my $case ([enrol => sub { enrol(qw(a example.com), $POLICY) }],
              [looked => sub { looked('example.com',
                                      value_of('example.com', 'a')) }],
              [leave => sub { leave(qw(a example.com 0)) }],
              [expire => sub { at(30 * $DAY); expire('example.com') }])
{
    my ($name, $do) = @$case;

    begin() if $name eq 'enrol';
    $store->line('twice');
    my (undef, @got) = @{ $do->() };
    is_deeply [@got[0, 1]], [@got[2, 3]], "$name: sent twice, it is done";
    is $got[0], $DONE, "$name: once";
    is redis('HGET', "$R:meta", 'version'), $got[1], "$name: in one version";
}
is types(), 'domain-enrolled domain-verified domain-leaving domain-left',
    'and told once each';

begin();
enrol(qw(a example.com {}));
$store->line('hold');
enrol('a', 'example.com', $POLICY);
is enrol('b', 'example.com', '{}')->[1], $DONE, 'somebody else is first';
$before = all_kept();
is_deeply kept(), [$AGAIN, 0], 'who comes then has to read again';
is_deeply all_kept(), $before, 'and nothing is done';
is enrol('a', 'example.com', $POLICY)->[1], $DONE, 'and may';

begin();
$store->line('hold');
enrol(qw(a example.com {}));
enrol(qw(b example.com {}));
is kept()->[0], $AGAIN, 'two newcomers, too';


# Many at a time

begin();
enrol("owner$_", 'example.com', '{}') for 1 .. 258;
is scalar @{ record('example.com')->{pending} }, 256, 'so many may wait';
is_deeply [map { scalar @{ members("owner:owner$_") } } 1 .. 3], [0, 0, 1],
    'the first ones have gone';
is redis('HLEN', "$R:tokens"), 256, 'with their tokens';
at(15 * $DAY);
is expire('example.com')->[1], $DONE, 'all of them end';
is redis('EXISTS', map { "$R:$_" } 'tokens', 'names',
         map { "owner:owner$_" } 1 .. 258), 0, 'nothing leads there';


# What may not be run, or is of another

for my $command (qw(hget hset hdel hincrby hsetnx zadd zrem zcard rpush)) {
    for my $case ([enrol => sub { enrol(qw(b example.com {})) }],
                  [leave => sub { leave(qw(a example.com 0)) }])
    {
        my ($name, $do) = @$case;

        begin();
        enrol(qw(a example.com {}));
        my $was = redis('HGET', $R, 'example.com');
        redis('ACL', 'SETUSER', 'default', "-$command");
        my $got = eval { join ' ', @{ $do->() } } // 'no answer';
        redis('ACL', 'SETUSER', 'default', "+$command");

        if ($got =~ /^0 0 /) {
            pass "$name needs no $command";
        } elsif ($command eq 'hget') {
            $store = TLSRPT::Store->new($t);
            is redis('HGET', $R, 'example.com'), $was, "$name: no $command";
        } else {
            my $is = redis('HGET', $R, 'example.com');
            ok $is eq $was || $command =~ /^(?:zrem|hdel)$/,
                "$name: without $command the record is as it was"
                or diag "$got: $is";
        }
    }
}

for my $key ('', qw(:meta :versions :untold :tokens :owner:a :names :looks
                    :ends))
{
    begin();
    redis('SET', "$R$key", 'mine');
    my $got = eval { join ' ', @{ enrol(qw(a example.com {})) } } // 'no answer';
    $store = TLSRPT::Store->new($t) if $got eq 'no answer';
    like $got, qr/WRONGTYPE|no answer/, "it fails where $R$key is of another";
    is redis('GET', "$R$key"), 'mine', 'which stays';
    ok $key eq '' || !defined record('example.com'), 'there is no record';
}


# Events, to their domains

begin();
$store->line(now => $T0);
enrol(qw(a example.com {}));
enrol(qw(a example.net {}));
at(10);
looked('example.com', value_of('example.com', 'a'));
redis('RPUSH', "$R:untold", 'no event', '{"id":"x"}');
is $store->line('upkeep'), '20 0', 'they are drained';
is_deeply events(), [], 'all of them';
my @acts = map { decode_json($_) }
    @{ redis('LRANGE', 't:{example.com}:acts', 0, -1) };
is_deeply [map { $_->{type} } @acts], [qw(domain-verified domain-enrolled)],
    'to their domain, the newest first';
is $acts[1]{actor}, '@a', 'who did it';
is $acts[1]{owner}, 'a', 'whose it is, while it waits';
ok !exists $acts[0]{owner}, 'later it is the domain\'s';
ok redis('TTL', 't:{example.com}:acts') > 399 * $DAY,
    'kept as long as counts are';
cmp_ok redis('TTL', 't:{example.net}:acts'), '<=', 30 * $DAY,
    'but for what was never proved';
is scalar @{ redis('LRANGE', 't:{example.com}:untold', 0, -1) }, 2,
    'and on their way to alerts';
is redis('ZCARD', 't:events'), 2, 'of two domains';

redis('EXPIRE', 't:{example.com}:acts', 500 * $DAY);
redis('RPUSH', "$R:untold", JSON::PP->new->canonical->encode($acts[1]));
$store->line('upkeep');
is redis('LLEN', 't:{example.com}:acts'), 2, 'one that is there comes but once';
leave(qw(a example.com 0));
$store->line('upkeep');
is redis('LLEN', 't:{example.com}:acts'), 3, 'another does';
ok redis('TTL', 't:{example.com}:acts') > 499 * $DAY,
    'nothing is kept for less';


# What is over, by itself

begin();
enrol('-', "d$_.example", '{}') for 1 .. 40;
at(14 * $DAY - 1);
$store->line('upkeep') for 1 .. 3;
is scalar @{ members('names') }, 40, 'nothing is over yet';
at(14 * $DAY);
like $store->line('upkeep'), qr/ 1$/, 'more than is done at a time';
is scalar @{ members('names') }, 8, 'some are over';
$store->line('upkeep') for 1 .. 3;
is scalar @{ members('names') }, 0, 'then all';
is_deeply events(), [], 'and it is told';
is decode_json(redis('LINDEX', 't:{d1.example}:acts', 0))->{type},
    'domain-expired', 'to each';

begin();
enrol(qw(a example.com {}));
redis('ZADD', "$R:ends", $T0 - 5, 'example.com', $T0 - 4, 'no.example',
      $T0 - 3, 'broken.example', $T0 - 2, 'newer.example');
redis('HSET', $R, 'broken.example', 'x', 'newer.example', '9 {"v":2}');
$store->line('upkeep');
is score('ends', 'example.com'), $T0 + 14 * $DAY, 'a wrong time is mended';
is score('ends', 'no.example'), undef, 'that of nothing goes';
is score('ends', $_), $T0 + 3600, "$_ is for later"
    for qw(broken.example newer.example);
is redis('HGET', $R, 'newer.example'), '9 {"v":2}', 'and left alone';
is redis('HGET', $R, 'broken.example'), 'x', 'as it is';


# What is the same as one that has passed on

begin();
enrol('-', 'other.example',
      qq({"owner":"a","verified":true,"mode":"enforce","max-age":604800,)
      . '"mx":["mx.example.com"]}');
enrol('-', $_, '{"owner":"a","verified":true,"same-as":"other.example"}')
    for qw(one.example two.example);
$store->line('upkeep');
is record('one.example')->{holder}{'same-as'}, 'other.example', 'it follows';
enrol('-', 'other.example', '{"owner":"b","verified":true}');
is record('other.example')->{holder}{owner}, 'b', 'the other has passed on';
$store->line('upkeep');

for my $domain (qw(one.example two.example)) {
    my $e = record($domain)->{holder};
    is $e->{'same-as'}, undef, "$domain follows no more";
    is $e->{mode}, 'enforce', 'but keeps the policy';
    is_deeply $e->{mx}, ['mx.example.com'], 'as its own';
    is $e->{owner}, 'a', 'of its owner';
}
is_deeply members('followers:other.example'), [], 'nobody follows b';
is_deeply events(), [], 'it is done once';

done_testing;
