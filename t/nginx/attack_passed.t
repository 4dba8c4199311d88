# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What follows a domain that passes on keeps the policy that it had: that of the
# new holder is none of its owner's.

use TLSRPT::Test;

use constant DAY => 86400;

my $t = servers(redis => 1, moves => 1, nginx => 1, workers => 1,
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

my $clock = 0;
sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(15, $check) }
sub later { $clock += $_[0]; $t->move_clock($clock); return }
sub now { return $t->redis('TIME')->[0] }

sub ask {
    my ($who, $method, $path, $body) = @_;

    return $t->request($method, (defined $who ? '/mine/' : '/admin/')
        . "domains/$path", defined $body ? (body => encode_json($body)) : (),
        headers => [ defined $who ? ('X-User' => $who) : (),
            defined $body ? ('Content-Type' => 'application/json') : ()]);
}

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

my $V = JSON::PP::true();

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

    require Time::Local;
    my @t = ($time // '') =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)Z/ or return "none";
    return sprintf '%.1f', (Time::Local::timegm(@t[5, 4, 3], $t[2], $t[1] - 1,
        $t[0]) - now()) / DAY;
}

my $NONE = 'none 86400';

# passed on, with followers

holds('s.example', 'ann', policy('enforce', 10 * DAY, 'mx.ann.example'));
holds('t.example', 'ann', 'same-as' => 's.example');
serves('t.example', 'enforce mx.ann.example 864000', 'follows');
holds('s.example', 'bob', policy('enforce', 10 * DAY, 'mx.bob.example'));
serves('s.example', 'enforce mx.bob.example 864000', 'bob has it');
my %seen;
ok soon(sub { $seen{served('t.example')} = 1; !defined ask('ann', 'GET', 't.example')->{json}{'same-as'} }),
    'ann follows it no more';
isnt ask('ann', 'GET', 't.example')->{json}{policy}{mx}[0] // '',
    'mx.bob.example', 'hers has not bob\'s policy';
serves('t.example', 'enforce mx.ann.example 864000', 'but what it was');
is join(' ', grep { /bob/ } sort keys %seen), '', 'at any time';

done_testing;
