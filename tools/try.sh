# try.sh: sourced by the scripts that try one thing after another.  $check is the script's name for what it prints, $root its
# scratch folder.
passed=0 failed=0

try() { # try WHAT COMMAND...
    what=$1
    shift
    if "$@" >"$root/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$check: $what: $*"
        head -n 20 "$root/log"
    fi
}

has() { command -v "$1" >/dev/null 2>&1; }

# The names of the functions that the public header promises.
header_functions() { sed -n 's/.*LDM_API.*[ *]\(ldm_[a-z_]*\)(.*/\1/p' api/ldm99.h; }

# The last line of the script, and its exit status.
try_report() {
    printf '%-22s %d passed, %d failed\n' "$check" $passed $failed
    [ $failed = 0 ]
}
