import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { recoveryScenarios } from '../../../helpers/core/crash/recovery-scenarios.ts';

describeCrashes(recoveryScenarios);
