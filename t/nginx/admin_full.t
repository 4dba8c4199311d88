# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Many at once for one domain; and more than there is room for.

use POSIX ();
use TLSRPT::Registry qw(enrol);
use TLSRPT::Test;

my $t = servers(redis => 1, workers => 2, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:128k;
END
        location /admin/ { tlsrpt_admin; }
        location /mine/ { tlsrpt_admin owner=$http_x_user; }
        location /tlsrpt/ { tlsrpt_stats; }
END

my @JSON = ('Content-Type' => 'application/json');

sub put {
    my ($who, $domain, $body) = @_;

    return $t->request('PUT', (defined $who ? '/mine' : '/admin')
        . "/domains/$domain", body => encode_json($body),
        headers => [@JSON, defined $who ? ('X-User' => $who) : ()]);
}

# Each reads, changes and writes: nobody's change is lost.
{
    my @pids;

    for my $n (1 .. 6) {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my $bad = grep { put("o$n", "race$_.example", {})->{status} != 201 }
                1 .. 10;
            POSIX::_exit($bad);
        }
        push @pids, $pid;
    }

    my $bad = 0;
    for my $pid (@pids) {
        waitpid $pid, 0;
        $bad += $? >> 8;
    }
    is $bad, 0, 'six owners enter ten domains at once';

    my @all = @{ $t->get('/admin/domains?limit=1000')->{json}{domains} };
    is scalar @all, 60, 'and all of them wait';
    my %tokens = map { $_->{owner} => 1 } @all;
    is join(' ', sort keys %tokens), 'o1 o2 o3 o4 o5 o6', 'each of its own';
}

# A zone that is full

my $status = 201;
my $n = 0;

# The worker that polls is what fills it: give it time to.
while ($n < 3000 && $status == 201) {
    $status = put(undef, 'a' . ++$n . '.example',
        { verified => JSON::PP::true, mode => 'testing', 'max-age' => 86400,
          mx => [map { "mx$_.a$n.example" } 1 .. 4] })->{status};
    select undef, undef, undef, 0.5 if $n % 100 == 0;
}
is $status, 507, 'there is no room left';
cmp_ok $n, '>', 20, 'after some';
is $t->redis('HEXISTS', 'tlsrpt:{registry}', "a$n.example"), 0, 'nothing was done';
is $t->request('DELETE', '/admin/domains/a1.example')->{status}, 202,
    'leaving needs none';

# Another node may have room for more than this one, which says so.
$t->wants_alerts(qr{the zone of "tlsrpt_registry", \d+ bytes, is too small});
enrol($t, "b$_.example") for 1 .. 300;
ok TLSRPT::Server::wait_until(20, sub {
    $t->error_log =~ /is too small/
}), 'what does not fit is told in the log';

done_testing;
