# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Name servers of a domain are its owner's, or an attacker's: whatever they say
# proves nothing but what they may say, and asking them ends soon.

use IO::Select;
use IO::Socket::INET;

use TLSRPT::Test;
use TLSRPT::Knot;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 0);
my $dns = TLSRPT::Knot->new(server => $server);
my $LIAR = '127.53.' . join '.', map { 1 + int rand 250 } 1 .. 2;
my $TXT = 16;
my $CNAME = 5;
my ($ANSWER, $CUT, $SERVFAIL, $PLAIN) = (0x8400, 0x8600, 0x8402, 0x8000);

$dns->zone('liar.example', '@ NS ns.liar.example.', "ns A $LIAR")->start;


# The liar: a name's first label says how

sub name { return join('', map { pack 'C/a*', $_ } split /\./, $_[0]) . "\0" }
sub text { return pack 'C/a*', $_[0] }

sub record {
    my ($name, $type, $data) = @_;

    return name($name) . pack('nnNn/a*', $type, 1, 60, $data);
}

sub message {
    my ($id, $flags, $asked, @records) = @_;

    return pack('n6', $id, $flags, 1, scalar @records, 0, 0)
        . name($asked) . pack('nn', $TXT, 1) . join '', @records;
}

my $PROOF = text('PROOF');
my %lie = (
    honest => sub { message($_[0], $ANSWER, $_[1],
                            record($_[1], $TXT, $PROOF)) },
    id => sub { message($_[0] ^ 1, $ANSWER, $_[1],
                        record($_[1], $TXT, $PROOF)) },
    question => sub { message($_[0], $ANSWER, "x.$_[1]",
                              record($_[1], $TXT, $PROOF)) },
    owner => sub { message($_[0], $ANSWER, $_[1],
                           record('honest.liar.example', $TXT, $PROOF),
                           record('liar.example', $TXT, $PROOF)) },
    cached => sub { message($_[0], $PLAIN, $_[1],
                            record($_[1], $TXT, $PROOF)) },
    servfail => sub { message($_[0], $SERVFAIL, $_[1],
                              record($_[1], $TXT, $PROOF)) },
    asking => sub { message($_[0], 0x0400, $_[1],
                            record($_[1], $TXT, $PROOF)) },
    short => sub { substr message($_[0], $ANSWER, $_[1],
                                  record($_[1], $TXT, $PROOF)), 0, -3 },
    count => sub {
        my $m = message($_[0], $ANSWER, $_[1], record($_[1], $TXT, $PROOF));
        substr $m, 6, 2, pack 'n', 65535;
        return $m;
    },
    length => sub { message($_[0], $ANSWER, $_[1], name($_[1])
                            . pack('nnNn', $TXT, 1, 60, 65535) . $PROOF) },
    string => sub { message($_[0], $ANSWER, $_[1],
                            record($_[1], $TXT, "\xffPROOF")) },
    pointer => sub {
        my $m = message($_[0], $ANSWER, $_[1]);
        substr $m, 6, 2, pack 'n', 1;
        return $m . pack('n', 0xc000 | length $m)
            . pack('nnNn/a*', $TXT, 1, 60, $PROOF);
    },
    empty => sub { '' },
    byte => sub { "\0" },
    silence => sub { undef },
    # who does not see the question, but meets its id
    stranger => sub { message($_[0], $ANSWER, lc $_[1],
                              record($_[1], $TXT, $PROOF)) },
    # a server that has its own way to spell names
    small => sub { message($_[0], $ANSWER, lc $_[1],
                           record($_[1], $TXT, $PROOF)) },
    loop => sub { message($_[0], $ANSWER, $_[1],
                          record($_[1], $CNAME, name($_[1]))) },
    chain => sub { message($_[0], $ANSWER, $_[1],
                           record($_[1], $CNAME, name("chain.$_[1]")),
                           record("chain.$_[1]", $TXT, $PROOF)) },
    drip => sub { message($_[0], $CUT, $_[1]) },
    endless => sub { message($_[0], $CUT, $_[1]) },
    huge => sub { message($_[0], $CUT, $_[1]) },
    refused => sub { message($_[0], $CUT, $_[1]) },
);

sub asked {
    my ($question) = @_;

    my ($name, $at) = ('', 12);
    while (my $len = unpack 'C', substr $question, $at, 1) {
        $name .= '.' x ($name ne '') . substr $question, $at + 1, $len;
        $at += 1 + $len;
    }

    return (unpack('n', $question), $name,
            (lc $name) =~ /(\w+)\.liar\.example$/);
}

my $log = $server->write_file('asked', '');

sub noted {
    my ($text) = @_;

    open my $fh, '>>', $log or die "$log: $!";
    syswrite $fh, "$text\n";

    return;
}

# Data without end, or byte by byte, for as long as somebody reads it.
sub pour {
    my ($socket, $how, $data) = @_;

    my $bytes = 0;

    for (1 .. 2000) {
        defined syswrite $socket, $data or last;
        $bytes += length $data;
        noted("poured $how $bytes");
        select undef, undef, undef, 0.2 if $how eq 'drip';
    }

    return;
}

sub by_tcp {
    my ($socket) = @_;

    sysread $socket, my $framed, 2000 or return;
    my ($id, $name, $how) = asked(substr $framed, 2);
    noted("tcp $how");

    if ($how eq 'drip') {
        syswrite $socket, "\xff\xff";
        pour($socket, $how, 'x');
    } elsif ($how eq 'endless') {
        pour($socket, $how, "\xff" x 100_000);
    } elsif ($how eq 'huge') {
        my $n = 1300;
        my $m = message($id, $ANSWER, $name,
                        map { record($name, $TXT, text('x')) } 1 .. $n);
        syswrite $socket, pack 'n/a*', $m;
    } elsif ($how !~ /refused|stranger/) {
        my $m = $lie{$how}->($id, $name);
        syswrite $socket, pack 'n/a*', $m if defined $m;
    }

    return;
}

sub serve {
    my ($udp, $tcp, $other, $parent) = @_;

    local $SIG{PIPE} = 'IGNORE';
    local $SIG{CHLD} = 'IGNORE';
    my $select = IO::Select->new($udp, $tcp);

    while (getppid == $parent) {
        for my $ready ($select->can_read(0.5)) {
            if ($ready == $tcp) {
                my $socket = $tcp->accept or next;
                if (!fork) {
                    by_tcp($socket);
                    POSIX::_exit(0);
                }
                next;
            }
            my $peer = $udp->recv(my $question, 4096);
            my ($id, $name, $how) = asked($question);
            noted("udp $how");
            my $answer = $lie{$how}->($id, $name);
            next if !defined $answer;
            ($how eq 'stranger' ? $other : $udp)->send($answer, 0, $peer);
        }
    }

    return;
}

my %at = (LocalAddr => $LIAR, LocalPort => 53, ReuseAddr => 1);
my $udp = IO::Socket::INET->new(%at, Proto => 'udp') or die "udp: $!";
my $tcp = IO::Socket::INET->new(%at, Proto => 'tcp', Listen => 64)
    or die "tcp: $!";
my $other = IO::Socket::INET->new(LocalAddr => $LIAR, Proto => 'udp')
    or die "udp: $!";
my $parent = $$;
my $pid = fork // die "fork: $!";

if ($pid == 0) {
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    serve($udp, $tcp, $other, $parent);
    POSIX::_exit(0);
}

close $_ for $udp, $tcp, $other;


# What is made of it

my %names = map { $_ => "_tlsrpt-verify.$_.liar.example" } keys %lie;
my $rspamd = TLSRPT::Rspamd->new($dns->for_rspamd, server => $server,
    redis => 0, milter => 0, config => sprintf('lua = "%s/t/rspamd/dns.lua";',
                      $server->top),
    env => { ALLOWED => $LIAR, TRIES => 3, QUESTIONS => $server->write_file('names',
        join '', map { "$_\n" } values %names) })->start;

sub said {
    my ($how) = @_;

    my $said;
    TLSRPT::Server::wait_until(40, sub {
        ($said) = $rspamd->log =~ /DNS \Q$names{$how}\E: (.*)/;
        return defined $said;
    });

    return $said // 'nothing';
}

sub count_of {
    my ($way, $how) = @_;

    return scalar(() = $server->read_file($log) =~ /^$way $how$/mg);
}

like said('honest'), qr/^\[1\] PROOF/, 'an honest answer proves';
like said('small'), qr/^\[1\] PROOF/,
    'so does one that is spelled anew, by TCP';
is count_of('tcp', 'small'), 1, 'as it is asked again';
like said('string'), qr/^\[1\] PROOF/,
    'a text that is said to be longer than its record ends with it';
for my $how (grep { !/honest|huge|small|string/ } sort keys %lie) {
    my $said = said($how);
    unlike $said, qr/PROOF|^nothing|broke/, "$how: proves nothing";
    like $said, qr/^(?:not known: |(?:alias )?\[0\])/, "$how: $said";
    cmp_ok count_of('udp', $how), '<=', 10, "$how: few questions";
    cmp_ok count_of('tcp', $how), '<=', 5, "$how: and connections";
}
like said('huge'), qr/^\[64\] x/, 'of 1,300 records 64 are taken';

for my $how (qw(drip endless)) {
    my ($bytes) = $server->read_file($log) =~ /.*^poured $how (\d+)$/ms;
    cmp_ok $bytes, '<', 10_000_000, "$how: $bytes bytes, and no more";
}

is $rspamd->stop, '', 'nothing bad in the log';
kill 'TERM', $pid;
waitpid $pid, 0;
$dns->stop;
done_testing;
