# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::State;

# States and events of domains, put into Redis as they are kept there
# (shared/store/tlsrpt_state.h), for tests of what reads them.

use strict;
use warnings;

use parent 'Exporter';

use JSON::PP ();

our @EXPORT = qw(state_bytes open_entry put_open put_none put_event);

my $JSON = JSON::PP->new->utf8->canonical;
my %SCORE = (low => 1, medium => 2, high => 3);

# A frame of zstd (RFC 8878 3.1.1) with blocks as they are.
sub frame {
    my ($text) = @_;

    my $frame = pack 'V C V', 0xfd2fb528, 0xa0, length $text;

    while (length $text) {
        my $block = substr $text, 0, 65536, '';
        $frame .= substr(pack('V', length($block) << 3 | !length $text), 0, 3)
            . $block;
    }

    return $frame;
}

sub state_bytes { return "1 1\n" . frame($JSON->encode($_[0])) }

# An entry of "open"; members of the problem can be replaced.
sub open_entry {
    my ($type, $cause, $severity, $lost, %members) = @_;

    return {
        type => $type, cause => $cause, severity => $severity, lost => $lost,
        id => sprintf('%016x', 0 + unpack '%32C*', "$type $cause"),
        opened => '2026-11-20',
        problem => {
            id => '0' x 16, 'result-type' => $type || undef,
            severity => $severity, title => "$type at $cause",
            ongoing => JSON::PP::true, 'first-day' => '2026-11-20',
            'last-day' => '2026-11-22', 'failed-session-count' => 10,
            'receiving-mx-hostnames' => [$cause],
            'organization-names' => ['Example Sender'],
            'lost-mail' => ucfirst "$lost.", 'by-day' => [],
            steps => [{ text => 'Look at it.', command => "host $cause" }],
            %members,
        },
    };
}

# What is open of a domain; nobody works it out anew.
sub put_open {
    my ($t, $domain, @entries) = @_;

    my ($worst) = sort { $b <=> $a } map { $SCORE{ $_->{severity} } || 0 }
        @entries;

    $t->redis('ZADD', 'tlsrpt:due', 9_999_999_999, $domain);
    $t->redis('SET', "tlsrpt:{$domain}:problems",
              state_bytes({ open => \@entries, past => [], waiting => [] }));
    $t->redis('HSET', "tlsrpt:{$domain}", 'p', '1 ' . @entries);
    $t->redis('ZADD', 'tlsrpt:open', $worst, $domain);

    return;
}

# It is known that nothing is.
sub put_none {
    my ($t, $domain) = @_;

    $t->redis('ZADD', 'tlsrpt:due', 9_999_999_999, $domain);
    $t->redis('DEL', "tlsrpt:{$domain}:problems");
    $t->redis('HSET', "tlsrpt:{$domain}", 'p', '1 0');
    $t->redis('ZREM', 'tlsrpt:open', $domain);

    return;
}

# One event of a domain, newer than all it has; list: events or acts.
sub put_event {
    my ($t, $list, %event) = @_;

    my ($domain, $time) = @event{qw(domain time)};

    $t->redis('LPUSH', "tlsrpt:{$domain}:$list", $JSON->encode(\%event));
    $t->redis('LTRIM', "tlsrpt:{$domain}:$list", 0, 999);
    $t->redis('ZADD', 'tlsrpt:events', 'GT', 1000 * seconds($time), $domain);

    return;
}

sub seconds {
    my ($time) = @_;

    require Time::Local;
    my ($y, $mon, $d, $h, $m, $s) = $time =~ /(\d+)/g;

    return Time::Local::timegm($s, $m, $h, $d, $mon - 1, $y);
}

1;
