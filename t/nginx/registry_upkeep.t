# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What is over by time goes without rspamd, and without anybody who asks; and
# what became of a domain comes to its list of events.

use TLSRPT::Test;
use TLSRPT::Registry qw(enrolment write_record token_of);

my $PATH = '/.well-known/mta-sts.txt';
my $KEY = 'tlsrpt:{registry}';

my $t = servers(redis => 1, workers => 2, http => <<'END', server => <<"END");
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:1m;
END
        location = $PATH { mta_sts; }
        location /tlsrpt/ { tlsrpt_stats; }
END

sub status { return $t->get($PATH, host => "mta-sts.$_[0]")->{status} }
sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(20, $check) }

# It leaves, and what senders may hold of it is over then.
sub leaving {
    my ($domain, $ends) = @_;

    write_record($t, $domain, { holder => enrolment($domain,
        state => 'leaving', since => time - 9e6, proved => time - 9e6,
        served => time - 8e6, held => $ends, ends => $ends) });
    $t->redis('HSET', "$KEY:tokens", token_of($domain), $domain);
    $t->redis('ZADD', "$KEY:names", 0, $domain);
    $t->redis('ZADD', "$KEY:ends", $ends, $domain);

    return;
}

leaving('left.example', time - 1);
ok soon(sub { status('left.example') == 404 }), 'left, by time alone';

# where rspamd looks, it comes first: it can see which records still lead here

my $record;
ok soon(sub {
    $record = $t->redis('HGET', $KEY, 'left.example');
    return $record =~ /"left":\d/;
}), 'it is kept for a while that it has left' or diag $record;

$t->redis('SET', "$KEY:seen", 1);
leaving('over.example', time + 4);
ok soon(sub { status('over.example') == 200 }), 'leaving';
ok soon(sub { status('over.example') == 404 }), 'it ends when it ends';
like $t->redis('HGET', $KEY, 'over.example'), qr/"state":"leaving"/,
    'also where rspamd has not come yet';
$t->redis('DEL', "$KEY:seen");
ok soon(sub { $t->redis('HGET', $KEY, 'over.example') =~ /"left":\d/ }),
    'else it is taken away at once';

my @types;
ok soon(sub {
    my $events = $t->redis('LRANGE', 'tlsrpt:{left.example}:acts', 0, -1);
    @types = map { /"type":"([\w-]+)"/ } @$events;
    return @types;
}), 'its events come to its list';
is_deeply \@types, ['domain-left'], 'one of them';
is $t->redis('LLEN', "$KEY:untold"), 0, 'none waits';

done_testing;
