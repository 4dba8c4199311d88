# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The policy that is served after each sequence of requests (RFC 8461 8.3).

use TLSRPT::Test;
use TLSRPT::Policies;

my $t = policies();

# The date over all versions

holds('a.example', 'ann', policy('enforce', 20 * DAY, 'mx.a.example'));
serves('a.example', 'enforce mx.a.example 1728000', 'first');
later(2 * DAY);
is ask('ann', 'PUT', 'a.example', { policy('testing', 3 * DAY, 'mx.a.example') })
    ->{status}, 200, 'shorter';
later(2 * DAY);
my $left = ask('ann', 'DELETE', 'a.example');
is $left->{status}, 202, 'leaves';
is days_until($left->{json}{ends}), '18.0', 'the longest of the versions';
serves('a.example', $NONE, 'leaving');
later(DAY);
is ask('ann', 'PUT', 'a.example', { policy('testing', 2 * DAY, 'mx.a.example') })
    ->{status}, 200, 'taken back';
serves('a.example', 'testing mx.a.example 172800', 'taken back');
$left = ask('ann', 'DELETE', 'a.example');
is days_until($left->{json}{ends}), '17.0', 'and left again: the date stays';
is days_until(ask('ann', 'DELETE', 'a.example')->{json}{ends}), '17.0', 'twice';
is ask('ann', 'PUT', 'a.example', {})->{status}, 200, 'taken back without one';
is ask('ann', 'GET', 'a.example')->{json}{state}, 'active', 'it is active';
serves('a.example', $NONE, 'taken away is none');
later(10 * DAY);
is days_until(ask('ann', 'DELETE', 'a.example')->{json}{ends}), '7.0',
    'left again';
is ask('ann', 'PUT', 'a.example', {})->{status}, 200, 'again back';
later(8 * DAY);
serves('a.example', '404', 'over');
is ask('ann', 'GET', 'a.example')->{json}{state}, 'active', 'but enrolled';
is ask('ann', 'DELETE', 'a.example')->{status}, 204, 'goes at once';

# same-as: the date of what it followed, of another, of a configured one

holds('o.example', 'ann', policy('enforce', 10 * DAY, 'mx.o.example'));
holds('p.example', 'ann', policy('testing', 5 * DAY, 'mx.p.example'));
holds('f.example', 'ann', 'same-as' => 'o.example');
serves('f.example', 'enforce mx.o.example 864000', 'follows');
is ask('ann', 'PUT', 'o.example', { policy('testing', DAY, 'mx.o.example') })
    ->{status}, 200, 'o changes';
serves('f.example', 'testing mx.o.example 86400', 'follows on');
is ask('ann', 'PUT', 'f.example', { 'same-as' => 'p.example' })->{status}, 200,
    'another';
serves('f.example', 'testing mx.p.example 432000', 'follows the other');
is ask('ann', 'DELETE', 'o.example')->{status}, 202, 'o may leave';
is days_until(ask('ann', 'DELETE', 'f.example')->{json}{ends}), '10.0',
    'f ends with the longest that it served';
is ask('ann', 'PUT', 'f.example', { 'same-as' => 'o.example' })->{status}, 422,
    'not what leaves';
is ask('ann', 'PUT', 'f.example', { 'same-as' => 'p.example' })->{status}, 200,
    'back as a follower';
serves('f.example', 'testing mx.p.example 432000', 'follows again');
is ask('ann', 'PUT', 'f.example', {})->{status}, 200, 'and nobody';
serves('f.example', $NONE, 'none');
is ask(undef, 'PUT', 'g.example', { verified => $V,
    'same-as' => 'static.example' })->{status}, 201, 'as a configured one';
serves('g.example', 'enforce mx.static.example 2592000', 'configured');
is days_until(ask(undef, 'DELETE', 'g.example')->{json}{ends}), '30.0', 'its date';

my $then = 0 + now();
$t->redis('SET', 'tlsrpt:{static.example}:served', encode_json({ v => 1,
    rua => [], versions => [map { { id => "v$_", mode => 'testing',
        'max-age' => $_ * DAY, mx => ['mx.static.example'], first => $then,
        last => $then, from => 'configuration' } } 30, 45] }));
is ask(undef, 'PUT', 'h.example', { verified => $V,
    'same-as' => 'static.example' })->{status}, 201, 'one more';
is days_until(ask(undef, 'DELETE', 'h.example')->{json}{ends}), '45.0',
    'by all versions that senders hold';

# many that follow

holds('many.example', 'mia', policy('testing', DAY, 'mx.many.example'));
is ask(undef, 'PUT', "n$_.example", { verified => $V, owner => 'mia',
    'same-as' => 'many.example' })->{status}, 201, "n$_" for 1 .. 40;
is ask(undef, 'PUT', 'operator.example', { verified => $V,
    'same-as' => 'many.example' })->{status}, 201, 'and one of the operator';
my $many = ask('mia', 'DELETE', 'many.example');
is $many->{status}, 409, 'mia cannot leave';
my $told = () = $many->{json}{detail} =~ /n\d+\.example/g;
my ($more) = $many->{json}{detail} =~ /, and (\d+) more$/;
is $told + ($more // 0), 40, 'all of hers are told, or how many more there are';
like ask(undef, 'DELETE', 'many.example')->{json}{detail}, qr/and (\d+) more$/,
    'the operator is told, too';

# chains and cycles

holds('c1.example', 'ann', policy('testing', DAY, 'mx.c1.example'));
holds('c2.example', 'ann', 'same-as' => 'c1.example');
is ask('ann', 'PUT', 'c3.example', { 'same-as' => 'c2.example' })->{status}, 422,
    'no chain';
my $cycle = ask('ann', 'PUT', 'c1.example', { 'same-as' => 'c2.example' })->{status};
ok $cycle == 422 || $cycle == 409, "no cycle: $cycle";
my $chain = ask('ann', 'PUT', 'c1.example', { 'same-as' => 'p.example' })->{status};
ok $chain == 422 || $chain == 409, "nor a chain from above: $chain";
serves('c2.example', 'testing mx.c1.example 86400', 'as it was');
$left = ask('ann', 'DELETE', 'c1.example');
is $left->{status}, 409, 'followed';
like $left->{body}, qr/c2\.example/, 'by name';
is ask(undef, 'DELETE', 'c1.example?now=1')->{status}, 409, 'for the operator, too';
is ask('ann', 'PUT', 'c1.example', {})->{status}, 200, 'its policy goes';
serves('c2.example', $NONE, 'so does that of the follower');
later(2 * DAY);
serves('c1.example', '404', 'over');
serves('c2.example', '404', 'so is that of the follower');

# passed on, with a follower

holds('s2.example', 'ann', policy('enforce', 10 * DAY, 'mx.ann.example'));
holds('t2.example', 'ann', 'same-as' => 's2.example');
holds('b2.example', 'bob', policy('enforce', 10 * DAY, 'mx.bob.example'));
is ask('bob', 'PUT', 's2.example', {})->{status}, 201, 'bob enters';
holds('s2.example', 'bob');
serves('s2.example', 'enforce mx.ann.example 864000', 'the policy stays');
serves('t2.example', 'enforce mx.ann.example 864000', 'for its follower, too');

# A leaving domain that another proves

holds('l.example', 'ann', policy('enforce', 10 * DAY, 'mx.l.example'));
is ask('ann', 'DELETE', 'l.example')->{status}, 202, 'leaves';
serves('l.example', $NONE, 'leaving');
holds('l.example', 'bob');
serves('l.example', $NONE, 'of another');
is days_until(ask('bob', 'DELETE', 'l.example')->{json}{ends}), '10.0', 'the date';
is ask('ann', 'GET', 'l.example')->{status}, 404, 'not hers';
is ask('ann', 'PUT', 'l.example', { policy('enforce', DAY, 'mx.l.example') })
    ->{status}, 201, 'she begins anew';
serves('l.example', $NONE, 'and what she wants is not served');

# Out at once, and in again

holds('n.example', 'ann', policy('enforce', 10 * DAY, 'mx.n.example'));
serves('n.example', 'enforce mx.n.example 864000', 'is there');
my $gone = ask(undef, 'DELETE', 'n.example?now=1');
is $gone->{status}, 200, 'at once';
ok $gone->{json}{'held-until'}, 'with the day';
serves('n.example', '404', 'gone');

done_testing;
