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

write_record($t, 'over.example', { holder => enrolment('over.example',
    state => 'leaving', since => time - 9e6, proved => time - 9e6,
    served => time - 8e6, held => time + 3, ends => time + 3) });
$t->redis('HSET', "$KEY:tokens", token_of('over.example'), 'over.example');
$t->redis('ZADD', "$KEY:names", 0, 'over.example');
$t->redis('ZADD', "$KEY:ends", time + 3, 'over.example');

ok soon(sub { status('over.example') == 200 }), 'leaving';
ok soon(sub { status('over.example') == 404 }), 'and left, by time alone';
like $t->redis('HGET', $KEY, 'over.example'), qr/"left":\d/, 'it is kept';

my @types;
ok soon(sub {
    my $events = $t->redis('LRANGE', 'tlsrpt:{over.example}:acts', 0, -1);
    @types = map { /"type":"([\w-]+)"/ } @$events;
    return @types;
}), 'its events come to its list';
is_deeply \@types, ['domain-left'], 'one of them';
is $t->redis('LLEN', "$KEY:untold"), 0, 'none waits';

done_testing;
