#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The dashboard without a browser: mistakes, types, and its functions alone.

use strict;
use warnings;

use File::Temp qw(tempdir);
use FindBin;
use Test::More;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Npm;
use TLSRPT::Server;

my $top = TLSRPT::Server->top;
my $npm = TLSRPT::Npm::install();
my $dir = tempdir(CLEANUP => 1);

# Node.js takes a .js for a module by the package.json beside it.
system("cp $top/ngx_tlsrpt_module/dashboard/*.js $dir") == 0
    && system("cp $top/ngx_tlsrpt_module/dashboard/types.d.ts $dir") == 0
    && system("cp $top/ngx_tlsrpt_module/dashboard/style.css "
              . "$top/shared/base/explain.txt $dir") == 0
    && system("cp $FindBin::Bin/dashboard.mjs $dir/dashboard.test.mjs") == 0
    && system("cp $FindBin::Bin/eslint.config.cjs $dir") == 0
    && system("echo '{\"type\":\"module\"}' > $dir/package.json") == 0
    or die "not copied to $dir\n";

sub passes {
    my ($name, $command) = @_;

    my $said = qx{cd $dir && NODE_PATH=$npm $command 2>&1};
    ok $? == 0, $name or diag $said;

    return $said;
}

sub fails {
    my ($name, $code, $command, $like) = @_;

    open my $file, '>', "$dir/wrong.js" or die "$dir/wrong.js: $!";
    print $file $code;
    close $file;
    my $said = qx{cd $dir && NODE_PATH=$npm $command 2>&1};
    ok $? != 0 && $said =~ $like, $name or diag $said;
    unlink "$dir/wrong.js";

    return;
}

my $ESLINT = "node $npm/eslint/bin/eslint.js --max-warnings 0";
my $TSC = "node $npm/typescript/bin/tsc --noEmit --allowJs --checkJs"
    . ' --target es2022 --lib es2023,dom,dom.iterable --module es2022'
    . ' --moduleResolution bundler';

passes 'ESLint finds no mistake', "$ESLINT .";
fails 'and would find one', "const used = 1;\n", "$ESLINT wrong.js",
    qr/no-unused-vars/;

passes 'types are those of the answers', "$TSC *.js";
fails 'and would not be others', "// \@ts-check\n"
    . "import { stateOf } from './data.js';\nstateOf({ status: 1 });\n",
    "$TSC wrong.js", qr/wrong\.js\(3,/;

my $said = passes 'unit tests', 'node --test dashboard.test.mjs';
like $said, qr/^# pass [1-9]\d*$|^\S+ pass [1-9]\d*$/m, 'which ran';

done_testing;
