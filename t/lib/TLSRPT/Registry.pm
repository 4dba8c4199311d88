# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Registry;

# The registry in Redis, written as it is stored (tlsrpt_registry_record.h,
# tlsrpt_registry_read.h), without the script that hosts use: what a node makes
# of it is looked at, whoever wrote it.

use strict;
use warnings;

use parent 'Exporter';

use JSON::PP ();

our @EXPORT_OK = qw(enrolment enrol write_record put_record forget_record
                    record_of token token_of look_now registry_version);

my $KEY = 'tlsrpt:{registry}';

# 26 characters that are the domain's own, and no secret here.
sub token_of {
    my ($domain, $salt) = @_;

    my @letters = ('a' .. 'z', 2 .. 7);
    my $n = 7;
    my $token = '';

    for my $c (unpack 'C*', "$domain/" . ($salt // '') . '/' . ('x' x 26)) {
        $n = ($n * 131 + $c) % 1_000_003;
        $token .= $letters[$n % 32];
    }

    return substr $token, -26;
}

# An enrolment as the record has it: active, with a policy, unless it says
# otherwise; a member that is undef is left out.
sub enrolment {
    my ($domain, %members) = @_;

    my %e = (state => 'active', token => token_of($domain),
             value => token_of($domain, 'value'), since => time,
             proved => time, served => time, mode => 'enforce',
             'max-age' => 604_800, mx => ["mx.$domain"], %members);
    delete $e{$_} for grep { !defined $e{$_} } keys %e;

    return \%e;
}

sub registry_version {
    my ($t) = @_;

    return $t->redis('HGET', "$KEY:meta", 'version') || 0;
}

# The next version of the registry has the record; and it has an epoch.
sub write_record {
    my ($t, $domain, $record) = @_;

    my $version = registry_version($t) + 1;
    my $json = JSON::PP->new->utf8->canonical->encode({ v => 1, %$record });

    $t->redis('HSETNX', "$KEY:meta", 'epoch', token_of('epoch'));
    $t->redis('HSET', $KEY, $domain, "$version $json");
    $t->redis('ZADD', "$KEY:versions", $version, $domain);
    $t->redis('HSET', "$KEY:meta", 'version', $version);

    return $version;
}

# The domain is held as enrolment() has it.
sub enrol {
    my ($t, $domain, %members) = @_;

    return write_record($t, $domain,
                        { holder => enrolment($domain, %members) });
}

my $n = 0;

# Another each time, of 26 characters.
sub token {
    my $text = sprintf '%020d', ++$n;

    return 'r' . $text =~ tr/0-9/a-j/r . 'tests';
}

# Writes a record, and the keys that lead there, for who reads these: holder =>
# E, pending => [E, ...], each with owner, token, ...; what is missing in one of
# them is made up.
sub put_record {
    my ($t, $domain, %record) = @_;

    for my $e (($record{holder} || ()), @{ $record{pending} || [] }) {
        %$e = (token => token(), value => token(), since => time, %$e);
        $t->redis('HSET', "$KEY:tokens", $e->{token}, $domain);
        $t->redis('ZADD', "$KEY:owner:$e->{owner}", 0, $domain)
            if defined $e->{owner};
    }

    $record{holder}{state} ||= 'active' if $record{holder};
    delete $record{holder} unless $record{holder};
    write_record($t, $domain, \%record);
    $t->redis('ZADD', "$KEY:names", 0, $domain);
    $t->redis('ZADD', "$KEY:looks", time + 1000, $domain);

    return;
}

# The record of a domain; {} if there is none.
sub record_of {
    my ($t, $domain) = @_;

    my $text = $t->redis('HGET', $KEY, $domain);

    return {} unless defined $text;

    return JSON::PP->new->utf8->decode($text =~ s/^\d+ //r);
}

# DNS is looked at now.
sub look_now {
    my ($t, $domain) = @_;

    return $t->redis('ZADD', "$KEY:looks", 'XX', time - 1, $domain);
}

# Nothing is left of it, not even that it has left.
sub forget_record {
    my ($t, $domain) = @_;

    $t->redis('HDEL', $KEY, $domain);
    $t->redis('ZREM', "$KEY:versions", $domain);

    return;
}

1;
