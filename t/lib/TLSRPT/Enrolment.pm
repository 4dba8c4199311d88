# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Enrolment;

# Domains enrolled at run time, put into Redis as nginx puts them there
# (shared/registry/), for tests of who reads them.

use strict;
use warnings;

use parent 'Exporter';

use JSON::PP ();

our @EXPORT = qw(enrol enrolled token look_now);

my $JSON = JSON::PP->new->utf8->canonical;
my $n = 0;

# Another each time, of 26 characters.
sub token {
    my $text = sprintf '%020d', ++$n;

    return 'r' . $text =~ tr/0-9/a-j/r . 'tests';
}

# Replaces the record of a domain: holder => E, pending => [E, ...], each with
# owner, token, ...; what is missing in one of them is made up.
sub enrol {
    my ($server, $domain, %record) = @_;

    my $key = 'tlsrpt:{registry}';
    my $version = $server->redis('HINCRBY', "$key:meta", 'version', 1);
    $server->redis('HSETNX', "$key:meta", 'epoch', token());

    for my $e (($record{holder} || ()), @{ $record{pending} || [] }) {
        %$e = (token => token(), value => token(), since => time, %$e);
        $server->redis('HSET', "$key:tokens", $e->{token}, $domain);
        $server->redis('ZADD', "$key:owner:$e->{owner}", 0, $domain)
            if defined $e->{owner};
    }

    $record{holder}{state} ||= 'active' if $record{holder};
    delete $record{holder} unless $record{holder};
    $server->redis('HSET', $key, $domain,
        "$version " . $JSON->encode({ v => 1, %record }));
    $server->redis('ZADD', "$key:versions", $version, $domain);
    $server->redis('ZADD', "$key:names", 0, $domain);
    $server->redis('ZADD', "$key:looks", time + 1000, $domain);

    return;
}

# DNS is looked at now.
sub look_now {
    my ($server, $domain) = @_;

    return $server->redis('ZADD', 'tlsrpt:{registry}:looks', 'XX', time - 1,
                          $domain);
}

# The record of a domain; {} if there is none.
sub enrolled {
    my ($server, $domain) = @_;

    my $text = $server->redis('HGET', 'tlsrpt:{registry}', $domain);

    return {} unless defined $text;

    return $JSON->decode($text =~ s/^\d+ //r);
}

1;
