import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { leavingScenarios } from '../../../helpers/core/crash/leaving-scenarios.ts';
import { sandboxScenarios } from '../../../helpers/core/crash/sandbox-scenarios.ts';

describeCrashes([...sandboxScenarios, ...leavingScenarios]);
