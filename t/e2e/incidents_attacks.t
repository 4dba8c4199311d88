# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Owners who point their names at addresses inside: these are not asked,
# whatever the record and whichever look it is, and only what concerns the owner
# is told.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Select;
use IO::Socket::INET;

use TLSRPT::Test;
use TLSRPT::World;

use constant DAY => 86400;

my @INSIDE = ('A 10.0.0.1', 'A 169.254.169.254', 'A 0.0.0.0', 'A 192.168.1.1',
              'AAAA ::ffff:127.0.0.1', 'AAAA 64:ff9b::7f00:1', 'AAAA ::1',
              'AAAA fd00::1', 'AAAA fe80::1');
my $honest = 'honest.example';
my @victims = map { "victim$_.example" } 1 .. 40;
my @owners = map { "owner$_.example" } 0 .. @INSIDE;     # the last: see below

# Only the addresses of the world itself may be asked (address() in World.pm).
my $world = TLSRPT::World->new(
    domains => [$honest, @owners, @victims], networks => '"127.210.0.0/16"');

# What is inside, beside those that nobody here listens at
my $inside = sprintf '127.190.%d.%d', 1 + $$ / 200 % 200, 10 + $$ % 200;
my %listener = map { $_ => IO::Socket::INET->new(Listen => 64,
    LocalAddr => $inside, LocalPort => $_, ReuseAddr => 1) || die "$_: $!" }
    25, 443;

sub point {
    my ($site, $record) = @_;

    $site->{records}{'mta-sts'} = [$record];
    $site->{records}{"$_->{host}."} = [$record] for @{ $site->{mx} };

    return;
}

sub knocks { return scalar(IO::Select->new(values %listener)->can_read(0)) }

point($world->site($owners[$_]), $INSIDE[$_]) for 0 .. $#INSIDE;

# All have one mail server, a stranger's.
my $stranger = $world->site($honest)->{mx}[0];

for my $site (map { $world->site($_) } @victims) {
    $site->{records}{"$_->{host}."} = ["A $stranger->{address}"]
        for @{ $site->{mx} };
}

$world->start;
ok $world->looked($world->now - 60), 'all are looked at'
    or die $world->rspamd->log;


# What is asked, and what was seen

for my $i (0 .. $#INSIDE) {
    my $seen = $world->seen($owners[$i]);
    is $seen->{policy}{result}, 'no-address', "$INSIDE[$i]: no policy host";
    is join(' ', map { $_->{result} } @{ $seen->{servers} }),
        'not-public not-public', 'no mail server';
}

# two of the honest domain, of which one is the victim; two of the last owner
my @asked = $world->{postfix}->log =~ /disconnect from \S+ (ehlo=.*)/g;
is scalar @asked, 4, 'the victim is asked once, whatever its names';
is scalar(grep { /starttls=1 quit=1/ } @asked), 4, 'each politely'
    or diag join "\n", @asked;
is scalar(grep { ($_->{result} // '') eq 'ok' }
          map { @{ $world->seen($_)->{servers} } } @victims),
    2 * @victims, 'each domain has what it showed';
is $world->seen($honest)->{policy}{result}, 'ok', 'the honest one is looked at';

my ($status, $said) = $world->rspamd->rspamadm('look', $honest);
is $status, 0, 'on a terminal';
like $said, qr/^policy +ok$/m, 'what may be asked is';
like $said, qr/^mx2\.\Q$honest\E +\S+ ok$/m, 'a mail server, too';
like $said, qr/^Nothing wrong was seen\.$/m, 'and nothing is wrong'
    or diag $said;
(undef, $said) = $world->rspamd->rspamadm('look', $owners[0]);
like $said, qr/^mx1\.\Q$owners[0]\E +not asked: no address of it is public$/m,
    'what is inside is not' or diag $said;


# Public at the first look, inside at the second

my $turns = $owners[-1];
is $world->seen($turns)->{policy}{result}, 'ok', 'at first it may be asked';
my $as_told = $world->{policy_host}->read_file($world->dir
                                               . '/policy_host.access');
like $as_told, qr/^mta-sts\.\Q$turns\E 200/m, 'and was';
point($world->site($turns), "A $inside");
$world->publish;
$world->later(2 * DAY);
ok $world->looked($world->now - 60, $turns), 'it is looked at again';
my $seen = $world->seen($turns);
is $seen->{policy}{result}, 'no-address', 'the second time it may not';
is join(' ', map { $_->{result} } @{ $seen->{servers} }),
    'not-public not-public', 'nor the mail servers';
ok !knocks(), 'nobody connected to what is inside';


# What is shown

my @told;
TLSRPT::Server::wait_until(20, sub { @told = $world->problems($turns) });
is join(' ', map { $_->{'result-type'} } @told), 'sts-policy-fetch-error',
    'one problem, of the policy host';
unlike encode_json(\@told), qr/tls-failed|refused|time-?out/i,
    'it tells nothing of what is there';
note encode_json(\@told);

is $world->stop, '', 'nothing bad in the logs';
done_testing;
