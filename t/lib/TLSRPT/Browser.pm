# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Browser;

# t/e2e/dashboard.js, which drives Chromium.

use strict;
use warnings;

use Test::More;

use TLSRPT::Npm;
use TLSRPT::Server;

# PART,PART => BASE and so on, in one browser.  The lines of its TAP become
# tests of this one.
sub browse {
    my ($story, $dir, @parts) = @_;

    local $ENV{NODE_PATH} = TLSRPT::Npm::install();
    local $ENV{STORY} = $story;
    local $ENV{TMPDIR} = $dir;
    open my $tap, '-|', 'node',
        TLSRPT::Server->top . '/t/e2e/dashboard.js', @parts
        or die "node: $!";

    my $plan;
    while (<$tap>) {
        chomp;
        if (/^(not )?ok \d+ - (.*)/) { ok !$1, $2 }
        elsif (/^1\.\.\d+$/)         { $plan = 1 }
        elsif (/^# ?(.*)/)           { diag $1 }
    }
    close $tap;
    ok $plan, 'to the end';

    return;
}

1;
