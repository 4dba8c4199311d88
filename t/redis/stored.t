# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Each form in which data were ever stored is read for ever: the files of
# t/fixtures/stored are Redis commands, and what is answered then.  Every later
# version reads them, knows their reports again, counts beside them, and closes
# what is open.
#
# A form that is new: TLSRPT_WRITE_STORED=NAME prove -It/lib t/redis/stored.t
# writes a file of it; those that are there stay as they are.

use strict;
use warnings;

use TLSRPT::Made;
use TLSRPT::Store;
use TLSRPT::Test;

my $D = 'example.com';
my $DUE = 1770552000;           # 2026-02-08T12:00:00Z
my $DIR = TLSRPT::Server->top . '/t/fixtures/stored';

my $t = servers(nginx => 0, redis => 1);
my $store = TLSRPT::Store->new($t);

# The same reports at any time.
sub made { return TLSRPT::Made->new(seed => 99, domain => $D, reports => 4) }
sub days { return map { sprintf '2026-01-%02d', $_ } 3, 4, 28, 29, 30, 31 }

sub answers {
    my @range = ($D, '2025-12-30', '2026-02-08');
    my $overview = $store->overview(@range);

    # which is judged, not stored
    delete @{$overview}{qw(status problem-title lost-mail policy-mode)};

    return {
        (map { ("by=$_" => $store->stats(@range, "by=$_")) }
            'day', 'organization-name', 'day,policy-type', 'result-type',
            'receiving-mx-hostname,sending-mta-ip'),
        overview => $overview,
    };
}


# Files: a line each: "command WORD..." with each byte that is no letter, digit
# or -.:{} as %XX; then "answer JSON"

sub quoted {
    my ($word) = @_;

    $word =~ s/([^\w.:{}-])/sprintf '%%%02X', ord $1/ge;

    return $word eq '' ? '%' : $word;
}

sub unquoted {
    my ($word) = @_;

    return '' if $word eq '%';
    $word =~ s/%([0-9A-F]{2})/chr hex $1/ge;

    return $word;
}

# Whatever is in Redis, as commands.
sub commands {
    my @commands;

    for my $key (sort @{ $t->redis('KEYS', '*') }) {
        my $type = $t->redis('TYPE', $key);
        push @commands,
            $type eq 'string' ? ['SET', $key, $t->redis('GET', $key)]
            : $type eq 'hash' ? ['HSET', $key, @{ $t->redis('HGETALL', $key) }]
            : $type eq 'set' ? ['SADD', $key, @{ $t->redis('SMEMBERS', $key) }]
            : die "$key is a $type";
    }

    return map { join ' ', map { quoted($_) } @$_ } @commands;
}

sub write_form {
    my ($name) = @_;

    my $path = "$DIR/$name";
    die "$path: is there" if -e $path;
    open my $fh, '>', $path or die "$path: $!";
    print $fh map { "command $_\n" } commands();
    print $fh 'answer ' . encode_json(answers()) . "\n";
    close $fh or die "$path: $!";

    return;
}

if (defined(my $name = $ENV{TLSRPT_WRITE_STORED})) {
    my $made = made();
    my @reports = map { $made->day($_) } days();
    my ($first, @late) = $name =~ /closed/ ? splice(@reports, -3) : ();

    $store->now($DUE);
    $store->ingest($_) for @reports;
    $store->close($D) if $name =~ /closed/;
    $store->ingest($_) for grep { defined } $first, @late;
    write_form($name);
}


my @files = glob "$DIR/*";
cmp_ok scalar @files, '>=', 2, 'there are forms';

for my $path (@files) {
    my ($name) = $path =~ m{([^/]+)$};
    my $answer;

    $t->redis('FLUSHALL');
    open my $fh, '<', $path or die "$path: $!";
    while (<$fh>) {
        my ($what, $rest) = /^(command|answer) (.*)/ or next;
        if ($what eq 'answer') {
            $answer = decode_json($rest);
        } else {
            $t->redis(map { unquoted($_) } split ' ', $rest);
        }
    }

    $store->now($DUE);
    is_deeply answers(), $answer, "$name: is read";

    my $made = made();
    my @reports = map { $made->day($_) } days();
    is scalar(grep { $store->ingest($_) ne '0' } @reports), 0,
        "$name: its reports are known again";
    is_deeply answers(), $answer, "$name: which changes nothing";

    $store->now($DUE + 30 * 86400);
    $store->close($D);
    is_deeply [grep { !/:closed$/ } @{ $t->redis('KEYS', "*{$D}:2026-01*") }],
        [], "$name: what is open is closed";
    is $store->stats($D, '2025-12-30', '2026-02-08', '-')->{reports},
        $answer->{overview}{reports}, "$name: and counted";
    is scalar(grep { $store->ingest($_) ne '0' } @reports), 0,
        "$name: its reports are known then";
    $store->now($DUE);

    my ($more) = $made->day('2026-01-05');
    like $store->ingest($more), qr/^(?:17|18|19)$/,
        "$name: another one, whose domain is to be looked at";
    is $store->stats($D, '2025-12-30', '2026-02-08', '-')->{reports},
        $answer->{overview}{reports} + 1, "$name: is counted";
}

done_testing;
