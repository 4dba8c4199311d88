# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Npm;

# What the tests take from npm, in the versions of t/e2e/package-lock.json.

use strict;
use warnings;

use Fcntl qw(:flock);

use TLSRPT::Server;

# Installs it where that was not done yet; its folder.
sub install {
    my $from = TLSRPT::Server->top . '/t/e2e';
    my $to = TLSRPT::Server->top . '/build/e2e';
    my $modules = "$to/node_modules";

    system('mkdir', '-p', $to);
    open my $lock, '>', "$to/lock" or die "$to/lock: $!";
    flock $lock, LOCK_EX;

    system("cmp -s $from/package-lock.json $modules/lock") == 0
        or system("cp $from/package*.json $to && cd $to && npm ci"
                  . ' --loglevel=error --no-audit --no-fund --ignore-scripts --omit=optional'
                  . ' && cp package-lock.json node_modules/lock') == 0
        or die "npm ci failed\n";

    return $modules;
}

1;
