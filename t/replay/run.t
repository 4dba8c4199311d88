# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Each story of this folder; how they read is in redis.c.

use TLSRPT::Test;

my $top = TLSRPT::Server->top;

for my $story (sort glob "$top/t/replay/*.story") {
    my ($name) = $story =~ m{([^/]+)\.story$};
    my $output = `$top/build/t/replay/redis $story 2>&1`;

    is $?, 0, $name or diag $output;
    note $output if $? == 0;
}

done_testing;
