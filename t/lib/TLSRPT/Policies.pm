# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Policies;

# What is served for enrolled domains after requests of their owners, while
# time passes: a server whose clock, and that of its Redis, can be moved.

use strict;
use warnings;

use parent 'Exporter';

use JSON::PP ();
use Test::More;
use Time::Local ();

use TLSRPT::Admin qw(ask_admin);
use TLSRPT::Server;
use TLSRPT::Test ();

use constant DAY => 86400;

our @EXPORT = qw(DAY $NONE $V policies soon later now ask served serves policy
                 holds ends days_until);

our $NONE = 'none 86400';
our $V = JSON::PP::true();

my ($t, $clock);

# Of which the functions below are.
sub policies {
    $t = TLSRPT::Test::servers(redis => 1, moves => 1, nginx => 0, workers => 1,
    http => <<'CONF', server => <<'CONF');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:4m;
    tlsrpt_report_uri https://reports.example/v1/tlsrpt;
    tlsrpt_domain .open.example;
    tlsrpt_domain .below.example token=below;
    mta_sts_policy static.example mode=enforce max_age=30d mx=mx.static.example;
CONF
        location /admin/ { tlsrpt_admin; }
        location /mine/ { tlsrpt_admin owner=$http_x_user max=20; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
        location = /.well-known/mta-sts.txt { mta_sts; }
CONF

    $clock = 0;
    $t->{preload} = $t->dir . '/clock.so';
    $ENV{TLSRPT_CLOCK} = $t->dir . '/clock';
    $t->start_nginx;

    return $t;
}

sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(15, $check) }
sub later { $clock += $_[0]; $t->move_clock($clock); return }
sub now { return $t->redis('TIME')->[0] }

sub ask {
    my ($who, $method, $path, @more) = @_;

    return ask_admin($t, $who, $method, "domains/$path", @more);
}

# "MODE MX ... MAX-AGE", or 404.
sub served {
    my ($name) = @_;

    my $a = $t->get('/.well-known/mta-sts.txt', host => "mta-sts.$name");
    return 404 if $a->{status} == 404;
    return join ' ', $a->{body} =~ /^(?:mode|mx|max_age): (\S+)\r$/mg;
}

sub serves {
    my ($name, $what, $title) = @_;

    my $last;
    ok soon(sub { ($last = served($name)) eq $what }), "$title: $what"
        or diag "served: $last";
    return;
}

sub policy {
    my ($mode, $age, @mx) = @_;

    return (mode => $mode, 'max-age' => $age, mx => \@mx);
}

sub holds {
    my ($name, $owner, %more) = @_;

    my $a = ask(undef, 'PUT', $name, { owner => $owner, verified => $V, %more });
    like $a->{status}, qr/^20[01]$/, "$owner holds $name" or diag $a->{body};
    return $a->{json};
}

sub ends {
    my ($name) = @_;

    my $json = ask(undef, 'GET', $name)->{json};
    return $json->{ends};
}

sub days_until {
    my ($time) = @_;

    my @t = ($time // '') =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)Z/
        or return 'none';
    return sprintf '%.1f', (Time::Local::timegm(@t[5, 4, 3], $t[2], $t[1] - 1,
        $t[0]) - now()) / DAY;
}

1;
