#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The history of a domain's policies, by the script in a real Redis: each
# version once, from several nodes, bounded; a change is told once.

use strict;
use warnings;

use JSON::PP ();
use TLSRPT::Test;

my $DAY = 86400;
my $t = servers(nginx => 0, redis => 1);
my $script =
    $t->read_file(TLSRPT::Server::top() . '/shared/follow/served.lua');
my @KEYS = map { "t:{example.com}$_" } ':served', ':acts', ':untold';

sub served { return JSON::PP::decode_json($t->redis('GET', $KEYS[0])) }
sub ids    { return join ' ', map { $_->{id} } @{ served()->{versions} } }

sub policy {
    my (%p) = (mode => 'testing', age => 604800, mx => ['mx.example.com'], @_);
    return JSON::PP::encode_json({ mode => $p{mode}, 'max-age' => $p{age},
                         mx => $p{mx}, from => 'configuration' });
}

# What the script returns.
sub say_of {
    my ($node, $id, %p) = @_;

    my $head = exists $p{head} ? $p{head} : '"rua":["mailto:a@example.com"]';
    my $event = $p{event} // '';
    return $t->redis('EVAL', $script, 3, @KEYS, $node, $id, policy(%p), $head,
        1000, $p{told} // 1, $event, $event && qq({"id":"$event"}),
        $event && qq({"event":{"id":"$event"}}));
}

# All times of the history, so much earlier.
sub age {
    my ($seconds) = @_;
    my $text = $t->redis('GET', $KEYS[0]);
    $text =~ s/("(?:first|last)":)(\d+)/$1 . ($2 - $seconds)/ge;
    $t->redis('SET', $KEYS[0], $text);
    return;
}

is say_of('n1', 'a'), 0, 'the first version is no change to be told';
is ids(), 'a', 'and is there';
is_deeply served()->{rua}, ['mailto:a@example.com'], 'with what else is known';
ok $t->redis('TTL', $KEYS[0]) > 900, 'for a time';
my ($version) = @{ served()->{versions} };
is $version->{mode}, 'testing', 'mode';
is $version->{'max-age'}, 604800, 'max-age';
is_deeply $version->{mx}, ['mx.example.com'], 'mx';
is $version->{first}, $version->{last}, 'first and last: now';

age($DAY);
is say_of('n1', 'a'), 0, 'the same a day later';
($version) = @{ served()->{versions} };
is $version->{last} - $version->{first} >= $DAY - 5, 1, 'moves its last time';

my $before = $t->redis('GET', $KEYS[0]);
ok say_of('n1', 'b') > 1e9, 'another: the time of the change';
is $t->redis('GET', $KEYS[0]), $before, 'and nothing is written yet';
is say_of('n1', 'b', event => 'e1'), 0, 'with its event';
is ids(), 'b a', 'it is the newest';
is_deeply $t->redis('LRANGE', $KEYS[1], 0, -1), ['{"id":"e1"}'],
    'the event is in the list';
is_deeply $t->redis('LRANGE', $KEYS[2], 0, -1), ['{"event":{"id":"e1"}}'],
    'and on its way';
is say_of('n1', 'b', event => 'e1'), 0, 'once more, as by a host that was killed';
is $t->redis('LLEN', $KEYS[1]), 1, 'is told once';

is say_of('n2', 'b'), 0, 'another node with the same';
is say_of('n3', 'a'), 0, 'one that still serves the former';
is ids(), 'b a', 'does not make it the newest';
is say_of('n3', 'b'), 0, 'and changes to it: no second change';
is ids(), 'b a', 'there is one version of it';

is say_of('n1', 'a', event => 'e2'), 0, 'back to the former';
is ids(), 'a b a', 'is a version again, with times of its own';
is say_of('n2', 'b'), 0, 'while the others have the later one';
is ids(), 'a b a', 'which stays where it is';

age(3 * $DAY);
ok say_of('n4', 'b') > 1e9, 'what alone is told after days, by whomever, counts';
is say_of('n4', 'b', event => 'e3'), 0, 'it is told';
is ids(), 'b a b a', 'and is the newest';

is say_of('n4', '', event => ''), say_of('n4', ''), 'none is served any more:';
ok say_of('n4', '') > 1e9, 'a change, too';
is say_of('n4', '', event => 'e4'), 0, 'told';
ok served()->{versions}[0]{ended}, 'the newest has ended';
is say_of('n4', ''), 0, 'once';
is say_of('n4', 'b'), 0, 'it is served again';
ok !served()->{versions}[0]{ended}, 'and has not ended';

$t->redis('DEL', @KEYS);
is say_of('n1', "v$_", told => 0, age => $_ == 3 ? 86400 : 31557600), 0,
    "version $_" for 1 .. 32;
is $t->redis('EXISTS', $KEYS[1]), 0, 'no events where the registry has them';
age(2 * $DAY);
is say_of('n1', 'v33', told => 0), 0, 'one more than there is room for';
my @left = map { $_->{id} } @{ served()->{versions} };
is scalar @left, 32, 'thirty-two';
ok !(grep { $_ eq 'v3' } @left), 'that which nobody can hold has gone';
is $left[-1], 'v1', 'not the oldest';

my @wide = map { sprintf 'mx%d.%s.example', $_, 'w' x 60 } 1 .. 64;
is say_of('n1', "w$_", told => 0, mx => \@wide), 0, "a long one, $_" for 1 .. 20;
ok $t->redis('STRLEN', $KEYS[0]) <= 65536, 'it is bounded in bytes';
is served()->{versions}[0]{id}, 'w20', 'the newest is there';

$t->redis('DEL', @KEYS);
is say_of('n1', '', head => ''), 0, 'a domain without a policy';
is $t->redis('GET', $KEYS[0]), '{"v":1,"versions":[],"nodes":[]}', 'as it is';
is say_of('n1', 'n', mode => 'none', mx => [], age => 86400), 0, 'mode none';
is_deeply served()->{versions}[0]{mx}, [], 'has no mx';

$t->redis('DEL', @KEYS);
is say_of($_, 'a'), 0, "served by $_" for 'n1', 'n2';
is say_of('n1', ''), 0, 'one of two serves it no more';
ok !served()->{versions}[0]{ended}, 'the other one does';
ok say_of('n2', '') > 0, 'nobody does: that is to be told';

$t->redis('SET', $KEYS[0], '{"v":2,"new":1}');
is say_of('n1', 'a'), 0, 'of a later version';
is $t->redis('GET', $KEYS[0]), '{"v":2,"new":1}', 'it is left alone';
$t->redis('SET', $KEYS[0], '{"v":1,"versions":');
is say_of('n1', 'a'), 0, 'what cannot be read';
is ids(), 'a', 'begins anew';

done_testing;
