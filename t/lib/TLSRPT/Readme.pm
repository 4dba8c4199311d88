# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Readme;

# The examples of the documents, for the tests that run them.  A document is
# written as if today were 2026-11-24.

use strict;
use warnings;

use POSIX qw(floor strftime);
use Test::More ();
use Time::Local qw(timegm);

use TLSRPT::Server;

my $ID = qr/\b\d{8}-\d+-[0-9a-f]{8}\b/;       # of a report
my $TODAY = timegm(0, 0, 0, 24, 10, 2026);
my $LATER = floor(time / 86400) - $TODAY / 86400;       # days

sub text {
    my ($file) = @_;

    return TLSRPT::Server->read_file(TLSRPT::Server->top . "/$file");
}

# What is between a heading and the next one of its level or above.
sub section {
    my ($title, $file) = @_;

    my ($level, $rest) = text($file || 'README.md')
        =~ /^(#+) \Q$title\E\n(.*)/ms or die "no section \"$title\"\n";
    my $up = length $level;
    $rest =~ s/^#{1,$up} .*//ms;

    return $rest;
}

# The blocks that are indented, without the indentation.
sub blocks_of {
    my ($text) = @_;

    my @blocks;
    my $inside = 0;

    for my $line (split /^/, $text) {
        if ($line =~ s/^ {4}//) {
            push @blocks, '' unless $inside;
            $blocks[-1] .= $line;
            $inside = 1;
        } elsif ($line =~ /^\n/ && $inside) {
            $blocks[-1] .= $line;
        } else {
            $inside = 0;
        }
    }

    return map { s/\n+\z/\n/r } @blocks;
}

sub blocks { return blocks_of(section(@_)) }

# The commands that begin with "$ " in the blocks, and what they print.
sub examples_of {
    my ($text) = @_;

    return map {
        my ($command, $output) = /^\$ ((?:.*\\\n)*.*\n)([\s\S]*)/;
        { command => $command, output => $output =~ s/\n+\z/\n/r };
    } grep { /^\$ / } map { split /^(?=\$ )/m } blocks_of($text);
}

# Runs the commands of a file's examples, or of one section's, by the function
# given, and compares what they print with what is written.  Ids of reports in
# commands are those that were printed before.  With TLSRPT_WRITE_DOCS=1, what
# they print is written in place of what stands there.
sub check_examples {
    my ($file, $title, $run) = @_;

    my $text = text($file);
    my %id;

    for my $example (examples_of($title ? section($title, $file) : $text)) {
        my ($command, $written) = @$example{qw(command output)};

        my $now = to_now($command =~ s/($ID)/$id{$1} || $1/ger);
        my $got = to_documents($run->($now) =~ s/\r$//mgr
            =~ s/\n*\z/\n/r =~ s/\A\n\z//r);

        Test::More::is(comparable($got), comparable($written),
                       $command =~ s/\s+/ /gr);
        my @printed = $got =~ /$ID/g;
        @id{$written =~ /$ID/g} = @printed if @printed;
        $text = with_output($text, $command, $got);
    }

    TLSRPT::Server->write_file(TLSRPT::Server->top . "/$file", $text)
        if $ENV{TLSRPT_WRITE_DOCS};

    return;
}

# The text with other lines below the command.
sub with_output {
    my ($text, $command, $output) = @_;

    s/^(?=.)/    /mg for $command = "\$ $command", $output;
    $text =~ s/^\Q$command\E\K(?:    (?!\$ ).*\n|\n(?=    (?!\$ )))*/$output/m;

    return $text;
}

# A text of the documents on the days of now, and the other way around.
sub to_now       { return move_days($_[0], $LATER) }
sub to_documents { return move_days($_[0], -$LATER) }

sub move_days {
    my ($text, $days) = @_;

    $text =~ s{\b(20\d\d)(-?)(\d\d)\2(\d\d)(?!\d)}{
        strftime("%Y$2%m$2%d", gmtime(timegm(0, 0, 0, $4, $3 - 1, $1)
                                      + 86400 * $days))
    }ge;

    return $text;
}

# Without what is another each time: when reports came, and their ids; those of
# problems, which have none until they were worked out; tokens.
sub comparable {
    my ($text) = @_;

    $text =~ s/("received":"|"last-report":"|"time":"|"since":"|"ends":"
               |"held-until":"
               |Received:[ ]+)[^TZ]+T[^Z]+Z/$1TIME/gx;
    $text =~ s/\b[a-z2-7]{26}\b/TOKEN/g;
    $text =~ s/("(?:problem-)?id":")[0-9a-f]{16}"/$1HEX"/g;
    $text =~ s/(-delay-seconds":)\d+/${1}N/g;
    $text =~ s/("next":")\d+(\.)/${1}N$2/g;
    $text =~ s/(\d{8}-\d+-)[0-9a-f]{8}/${1}HEX/g;
    $text =~ s/("id":)(?:null|"[0-9a-f]{16}")/${1}HEX/g;

    return $text;
}

1;
