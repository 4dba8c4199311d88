#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# State and events of a domain, by the script in a real Redis: all or nothing,
# once, by one who has read what is there; bounded; taken back where a command
# may not run.

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use TLSRPT::Test;

my $KEPT = 1000;
my $WAITING = 64;

my $t = servers(nginx => 0, redis => 1);
my $script = $t->read_file(TLSRPT::Server::top() . '/shared/follow/commit.lua');
my @KEYS = map { "t:{example.com}$_" } ':problems', '', ':events', ':untold';
my ($STATE, $DOMAIN, $EVENTS, $UNTOLD) = @KEYS;

# An event of that id, and as it is told.
sub event { return sprintf '{"id":"%s","title":"t"}', $_[0] }
sub told  { return sprintf '{"event":%s,"problem":{}}', event($_[0]) }

# was: the state that was read; ids: of events.
sub commit {
    my (%c) = (was => '', mark_was => '1 0', late => '', struck => '', state => '',
               mark => '1 0', keep => 1000, ids => [], told => 1, @_);

    my $was = $c{events_alone} ? '-' : $c{was} eq '' ? '' : sha1_hex($c{was});

    return $t->redis('EVAL', $script, 4, @KEYS, $was,
        @c{qw(mark_was late struck state mark keep)},
        map { ($_, event($_), $c{told} ? told($_) : '') } @{ $c{ids} });
}

sub begin {
    $t->redis('FLUSHALL');
    $t->redis('HSET', $DOMAIN, 'all', 'x', 'p', '1 0');
    $t->redis('EXPIRE', $DOMAIN, 5000);

    return;
}

sub mark   { return $t->redis('HGET', $DOMAIN, 'p') }
sub state  { return $t->redis('GET', $STATE) }
sub events { return $t->redis('LRANGE', $EVENTS, 0, -1) }
sub untold { return $t->redis('LRANGE', $UNTOLD, 0, -1) }

# All that there is.
sub all_kept {
    return { map { $_ => $t->redis('DUMP', $_) } @{ $t->redis('KEYS', '*') } };
}

sub expires {
    my ($key, $ttl) = @_;

    my $left = $t->redis('TTL', $key);
    ok $left > $ttl - 50 && $left <= $ttl, "$key expires"
        or diag "$left for $ttl";

    return;
}


# One problem

begin();
is commit(state => 'A', mark => '1 1', ids => ['e1']), 2,
    'a problem opens, and one event is on its way';
is state(), 'A', 'the state';
is mark(), '1 1', 'its mark';
is_deeply events(), [event('e1')], 'its event';
is_deeply untold(), [told('e1')], 'and with its problem, for alerts';
expires($_, 1000) for $STATE, $EVENTS, $UNTOLD;
expires($DOMAIN, 5000);

my $before = all_kept();
is commit(state => 'A', mark => '1 1', ids => ['e1']), 0,
    'sent twice, it was done';
is commit(state => 'B', mark => '1 2', ids => ['e2']), 0,
    'who has read less is too late';
is commit(was => 'A', state => 'B', mark => '1 2', ids => ['e2']), 0,
    'and who has read another mark';
is commit(was => 'B', mark_was => '1 1', state => 'B', mark => '1 2'), 0,
    'and who has read another state';
is_deeply all_kept(), $before, 'and nothing is done';

is commit(was => 'A', mark_was => '1 1', state => 'A', mark => '1 1'), 2,
    'the same state again';
is_deeply all_kept(), $before, 'is the same';

is commit(was => 'A', mark_was => '1 1', state => 'B', mark => '1 2',
          ids => ['e2', 'e3']), 4, 'two more';
is_deeply events(), [map { event($_) } qw(e3 e2 e1)], 'the newest first';
is_deeply untold(), [map { told($_) } qw(e1 e2 e3)], 'the oldest first';

is commit(was => 'B', mark_was => '1 2', state => 'C', mark => '1 2',
          ids => ['e2', 'e4'], keep => 2000), 5, 'one that was told, and another';
is_deeply events(), [map { event($_) } qw(e4 e3 e2 e1)], 'comes but once';
expires($_, 2000) for $STATE, $EVENTS, $UNTOLD;

is commit(was => 'C', mark_was => '1 2', state => 'C', mark => '1 2',
          ids => ['e5'], keep => 9_000_000), 6, 'which is kept for long';
expires($_, 9_000_000) for $STATE, $EVENTS;
expires($UNTOLD, 7 * 86400);

is commit(was => 'C', mark_was => '1 2', state => '', mark => '1 0'), 6,
    'nothing is left to keep';
is state(), undef, 'there is no state';
is mark(), '1 0', 'the mark says so';
is scalar @{ events() }, 5, 'the events stay';


# The domain's hash

$t->redis('FLUSHALL');
is commit(mark_was => '', state => 'A', mark => '1 1', ids => ['e1']), 2,
    'of a domain without data';
is $t->redis('EXISTS', $DOMAIN), 0, 'no hash is made, that would never expire';

begin();
$t->redis('HDEL', $DOMAIN, 'p');
is commit(), 0, 'a mark that was not there';
is commit(mark_was => ''), 1, 'is read as such';
is mark(), '1 0', 'and made';

begin();
$t->redis('HSET', $DOMAIN, 'l', 3);
is commit(late => 2), 1, 'more came of the past since';
is $t->redis('HGET', $DOMAIN, 'l'), 3, 'and is not forgotten';
is commit(late => 3), 1, 'none did';
is $t->redis('HGET', $DOMAIN, 'l'), undef, 'and it is';


# Events alone

begin();
$t->redis('SET', $STATE, 'A');
is commit(events_alone => 1, ids => ['e1'], told => 0), 1, 'an event alone';
is_deeply events(), [event('e1')], 'is added';
is commit(events_alone => 1, ids => ['e1'], told => 0), 1, 'once';
is_deeply events(), [event('e1')], 'which stays one';
is state(), 'A', 'the state stays';
is mark(), '1 0', 'and its mark';
is $t->redis('EXISTS', $UNTOLD), 0, 'it is not on its way';

is commit(events_alone => 1, ids => ['1']), 2, 'an id that is part of another';
is scalar @{ events() }, 2, 'is another';


# Bounds

begin();
my $state = '';
my $mark = '1 0';
for my $n (1 .. 110) {
    commit(was => $state, mark_was => $mark, state => "S$n", mark => "1 $n",
           ids => [map { "e$n-$_" } 1 .. 10]);
    ($state, $mark) = ("S$n", "1 $n");
}
is scalar @{ events() }, $KEPT, 'so many events, and no more';
is events()->[0], event('e110-10'), 'the newest ones';
is events()->[-1], event('e11-1'), 'of eleven hundred';
is scalar @{ untold() }, $WAITING, 'so many on their way';
is untold()->[-1], told('e110-10'), 'the newest ones';


# A key of another

for my $key (@KEYS) {
    begin();
    $t->redis('DEL', $key);
    $t->redis($key eq $STATE ? ('HSET', $key, 'a', 'b') : ('SET', $key, 'b'));
    $before = all_kept();
    ok !eval { commit(mark_was => $key eq $DOMAIN ? '' : '1 0', state => 'A',
                      mark => '1 1', ids => ['e1']); 1 },
        "it fails where $key is of another";
    is_deeply all_kept(), $before, 'and does nothing';
}


# What may not be run: whichever command it is

my %rest = (was => 'A', mark_was => '1 1', state => 'B', mark => '1 2',
            ids => ['e2', 'e3'], late => 1);
my %end = (%rest, state => '', mark => '1 0');

for my $command (qw(get hget hset hdel set expire lpush rpush ltrim lrange llen))
{
    for my $case ([first => state => 'A', mark => '1 1', ids => ['e1'],
                   late => 1],
                  [next => %rest], [last => %end])
    {
        my ($name, %c) = @$case;

        begin();
        commit(state => 'A', mark => '1 1', ids => ['e1']) if $name ne 'first';
        $t->redis('HSET', $DOMAIN, 'l', 1);
        my $was = all_kept();
        my $whole;

        {
            local $@;
            $t->redis('ACL', 'SETUSER', 'default', "-$command");
            $whole = eval { commit(%c) };
            like $@, qr/permission|NOPERM|ACL|can't run/, "$name: $command is missed"
                if !$whole;
            $t->redis('ACL', 'SETUSER', 'default', "+$command");
        }

        # neither the first nor the next needs to take a state away
        ok !$whole || $command eq 'set' && $name eq 'last',
            "$name: $command is needed";
        is_deeply all_kept(), $was, "$name: and nothing is done" if !$whole;
    }
}

done_testing;
