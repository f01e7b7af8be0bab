import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { leavingScenarios } from '../../../helpers/core/crash/scenarios/leaving-scenarios.ts';
import { sandboxScenarios } from '../../../helpers/core/crash/scenarios/sandbox-scenarios.ts';

describeCrashes([...sandboxScenarios, ...leavingScenarios]);
