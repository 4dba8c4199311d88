# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What follows a domain that passes on keeps the policy that it had: that of the
# new holder is none of its owner's.

use TLSRPT::Test;
use TLSRPT::Policies;

my $t = policies();

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
